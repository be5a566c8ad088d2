#pragma once
// The look of a report: one column of cards, quiet colours, light and dark, and paper.

namespace thimble::report {

inline constexpr const char* kStyle = R"css(
:root{color-scheme:light dark;--page:#f4f5f7;--card:#fff;--ink:#222a33;--soft:#5b6673;--line:#e1e5ea;--accent:#005f96;
--code:#f1f3f6;--good:#00704c;--good-ground:#e2f4ec;--warn:#8a5300;--warn-ground:#fdf3e1;--bad:#b03a00;--bad-ground:#fdeae0;
--axis:#8b929c;--grid:#e4e7eb;--plot:#f7f8fa;
--s0:#0072b2;--s1:#d55e00;--s2:#009e73;--s3:#cc79a7;--s4:#e69f00;--s5:#56b4e9;--s6:#000;--s7:#7a7a7a}
@media (prefers-color-scheme:dark){:root{--page:#0f1317;--card:#181d23;--ink:#dde3ea;--soft:#9aa5b1;--line:#2b323b;
--accent:#7cc0ea;--code:#20262e;--good:#63d0a5;--good-ground:#12332a;--warn:#eebb66;--warn-ground:#35290f;--bad:#ff9a66;
--bad-ground:#3b2015;--axis:#707a86;--grid:#29303a;--plot:#aab3bd;
--s0:#55a9e2;--s1:#ef874a;--s2:#35c398;--s3:#e2a4ca;--s4:#f0ba48;--s5:#9ad4f5;--s6:#fff;--s7:#a7b0ba}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.55 system-ui,-apple-system,"Segoe UI","Noto Sans","DejaVu Sans",sans-serif}
main{max-width:1240px;margin:0 auto;padding:28px 20px 48px;overflow-wrap:anywhere}
h1,h2,h3,p,figure,dl,dd,ul{margin:0;padding:0}
h1{font-size:15px;font-weight:600;color:var(--soft)}
h1 b{color:var(--ink);font-weight:600}
h2{font-size:17px;font-weight:600;margin:36px 0 12px}
h3{font-size:15px;font-weight:600;margin:0 0 8px}
a{color:var(--accent);text-decoration:none}
a:hover{text-decoration:underline}
code{font:13px/1.5 ui-monospace,"DejaVu Sans Mono","Liberation Mono",monospace}
section>h2:first-child{margin-top:0}
section,figure,header{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:20px 22px;margin:0 0 18px}
.top{display:flex;gap:16px;justify-content:space-between;align-items:flex-start}
.badge{flex:none;border-radius:999px;padding:2px 12px;font-size:13px;font-weight:600;white-space:nowrap}
.done{background:var(--good-ground);color:var(--good)}
.interrupted{background:var(--warn-ground);color:var(--warn)}
.failed{background:var(--bad-ground);color:var(--bad)}
.sentence{font-size:21px;line-height:1.35;margin:10px 0 0}
.advice{max-width:75ch;margin:8px 0 0}
.next{display:grid;grid-template-columns:fit-content(30%) minmax(0,1fr);gap:6px 14px;margin-top:18px;align-items:baseline}
.next dt,dl.facts dt{color:var(--soft);font-size:14px}
.next code{display:block;background:var(--code);border-radius:6px;padding:4px 10px}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:14px;font-variant-numeric:tabular-nums}
caption{text-align:left;font-weight:600;font-size:17px;padding:0 0 10px}
th{font-weight:600;color:var(--soft);font-size:13px;text-align:right;vertical-align:bottom;border-bottom:1px solid var(--axis);padding:4px 12px}
td{text-align:right;padding:6px 9px;border-bottom:1px solid var(--line);white-space:nowrap}
.l{text-align:left;white-space:normal}
th{overflow-wrap:normal}
td.l{min-width:9em;overflow-wrap:anywhere}
tr>:first-child{padding-left:2px}
tr>:last-child{padding-right:2px}
th span{font-weight:400}
.ref{color:var(--soft)}
tr.total td{border-top:1px solid var(--axis);border-bottom:0;font-weight:500}
.text{margin:0 0 12px}
.note+.wide{margin-top:24px}
.note{color:var(--soft);font-size:13px;margin-top:10px}
.warn{border-left:4px solid #e69f00}
.warn ul{padding-left:18px;font-size:14px}
.row{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,520px),1fr));gap:18px;margin:0 0 18px}
.row figure{margin:0;padding:18px 20px 14px;display:flex;flex-direction:column;min-width:0}
.row figure:last-child:nth-child(odd){grid-column:1/-1}
.row figcaption{margin-top:auto;padding-top:8px;font-size:13.5px;color:var(--soft)}
.files{white-space:nowrap}
.files a+a{margin-left:10px}
.plot svg{display:block;width:100%;max-width:640px;height:auto;margin:0 auto;color:var(--ink);font-family:inherit}
.plot image,.plot img{image-rendering:pixelated}
.plot img{display:block;width:100%;max-width:360px;margin:0 auto;border-radius:6px}
.empty{color:var(--soft);padding:40px 0;text-align:center}
dl.facts{display:grid;grid-template-columns:fit-content(40%) minmax(0,1fr);gap:5px 22px;font-size:14px}
summary{cursor:pointer;font-weight:600;color:var(--soft);font-size:14px;padding:4px 0}
summary:hover{color:var(--ink)}
details[open]>summary{margin-bottom:12px}
details.more{margin:26px 0 18px}
details.more>summary,.group{font-size:17px;font-weight:600;color:var(--ink)}
section>.wide+details{margin-top:18px}
.note+.wide,.wide+.wide,.facts+.wide{margin-top:28px}
footer{color:var(--soft);font-size:13px;text-align:center}
@media (max-width:640px){.top{flex-direction:column-reverse;gap:8px}.next,dl.facts{grid-template-columns:minmax(0,1fr);gap:2px}
.next code,dl.facts dd{margin-bottom:8px}section,header{padding:16px}.plot{overflow-x:auto}.plot svg{min-width:480px}}
@media print{:root{--page:#fff;--card:#fff;--ink:#000;--soft:#444;--line:#ccc;--accent:#000;--code:#f4f4f4;--axis:#777;--grid:#ddd;
--plot:#f7f8fa;--s0:#0072b2;--s1:#d55e00;--s2:#009e73;--s3:#cc79a7;--s4:#e69f00;--s5:#56b4e9;--s6:#000;--s7:#7a7a7a;
color-scheme:light}body{font-size:11pt}main{max-width:none;padding:0}
section,figure,header{border:0;padding:0 0 10px;break-inside:avoid}
.row{display:block}.row figure{padding:0 0 14px}.plot svg{max-width:520px}.warn{padding-left:14px}
.next code{white-space:pre-wrap}
.files{white-space:normal;font-size:9pt}.files a::after{content:" (" attr(href) ")"}}
)css";

}  // namespace thimble::report
