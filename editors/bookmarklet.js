javascript:(()=>{const asked=(String(getSelection()).trim()||prompt("Ask your notes:")||"").slice(0,1000);if(asked)open("http://127.0.0.1:8000/?q="+encodeURIComponent(asked),"_blank","noopener")})()
