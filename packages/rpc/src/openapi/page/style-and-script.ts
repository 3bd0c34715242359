/** Follows the reader's choice of dark or light. Their hashes are in the page's content security policy. */
export const pageStyle = `
:root{color-scheme:light dark;--line:light-dark(#d8dee4,#30363d);--soft:light-dark(#f6f8fa,#161b22);--dim:light-dark(#57606a,#8b949e);--link:light-dark(#0757ba,#58a6ff)}
*{box-sizing:border-box}
body{margin:0;font:15px/1.5 system-ui,sans-serif;background:light-dark(#fff,#0d1117);color:light-dark(#1f2328,#e6edf3);display:grid;grid-template-columns:minmax(16rem,22rem) minmax(0,60rem);grid-template-rows:auto 1fr;column-gap:2rem}
header{grid-column:1/-1;padding:1rem 2rem;border-bottom:1px solid var(--line)}
h1{margin:0;font-size:1.5rem}header p{margin:.25rem 0}
nav{padding:0 0 2rem 2rem;position:sticky;top:0;align-self:start;max-height:100vh;overflow:auto;font-size:13px}
nav ul{list-style:none;margin:0;padding:0}nav li{margin:.15rem 0;overflow-wrap:anywhere}nav h2{font-size:1rem;margin:1rem 0 .25rem}nav b{font-size:11px;color:var(--dim)}
main{padding:0 2rem 4rem 0;min-width:0}
a{color:var(--link);text-decoration:none}a:hover{text-decoration:underline}
article{border:1px solid var(--line);border-radius:8px;padding:.5rem 1rem 1rem;margin:1rem 0}
h3{margin:.5rem 0;font-size:1.05rem;overflow-wrap:anywhere}h4{margin:1rem 0 .25rem}h4 small,h3 small,td small{color:var(--dim);font-weight:400}
article p{margin:.35rem 0}.who{color:var(--dim)}.warning{color:light-dark(#9a6700,#d29922)}.self{color:var(--dim)}
.method{display:inline-block;min-width:4.2rem;text-align:center;border-radius:5px;padding:.1rem .4rem;font-size:.8rem;color:#fff;background:#57606a}
.get{background:#0969da}.post{background:#1a7f37}.put,.patch{background:#8250df}.delete{background:#cf222e}
code,pre{font:13px/1.45 ui-monospace,monospace}code{background:var(--soft);padding:.05rem .25rem;border-radius:4px}
pre{background:var(--soft);border:1px solid var(--line);border-radius:6px;padding:.75rem;overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:14px}th,td{border-top:1px solid var(--line);padding:.3rem .6rem .3rem 0;text-align:left;vertical-align:top;overflow-wrap:anywhere}th{color:var(--dim);font-weight:500}
td:nth-child(1){width:30%}td:nth-child(2){width:25%}td p{margin:0}.rules{color:var(--dim)}
input{font:inherit;padding:.35rem .6rem;width:20rem;max-width:100%;border:1px solid var(--line);border-radius:6px;background:var(--soft);color:inherit}
@media(max-width:60rem){body{display:block}nav{position:static;max-height:none;padding:0 2rem}main{padding:0 2rem 3rem}}
`;

/** Hides what does not hold the words that are searched for; without it the page is whole. */
export const pageScript = `
"use strict";
const box = document.getElementById("search");
box.hidden = false;
box.addEventListener("input", () => {
  const words = box.value.toLowerCase().split(/\\s+/).filter(Boolean);
  for (const one of document.querySelectorAll("article, nav li"))
    one.hidden = !words.every((word) => one.textContent.toLowerCase().includes(word));
});
`;
