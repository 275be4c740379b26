// The chat widget: one script tag puts a bubble on any page that the service allows to ask.
//
//   <script src="https://notes.example/widget.js" data-title="Ask the notes" data-greeting="Hello!"
//           data-position="left" data-theme="dark"></script>
//
// Nothing of it reaches the page: a shadow root, a constructed style sheet, no globals, and text as text nodes only, so
// that it works under a host policy of `trusted-types 'none'` without inline styles. The service joins these files, in the
// order that service/http/widget.py gives, into one function.

const script = document.currentScript ?? document.querySelector('script[src$="/widget.js"]');
if (!script) return;
