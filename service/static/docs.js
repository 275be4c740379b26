/** What a script adds to the description: buttons that copy, and contents that begin folded on a narrow screen. */

const told = document.querySelector(".told");

for (const sample of document.querySelectorAll(".sample")) {
  const label = sample.querySelector("figcaption").textContent;
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  button.ariaLabel = `Copy: ${label}`;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(sample.querySelector("code").textContent);
      told.textContent = "Copied";
    } catch {
      const range = document.createRange();
      range.selectNodeContents(sample.querySelector("code"));
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      told.textContent = "Selected: copy it with the keyboard";
    }
    setTimeout(() => { told.textContent = ""; }, 2000);
  });
  sample.append(button);
}

if (matchMedia("(max-width: 52rem)").matches) document.querySelector("nav details").open = false;
