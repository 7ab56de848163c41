/// How the page looks, on light and on dark ground, on screens of any width, and on paper.
enum PageStyle {
  static let text = """
    :root{color-scheme:light dark;--paper:#fff;--panel:#f6f7f9;--ink:#1b1f24;--soft:#5b6470;
    --rule:#e3e6ea;--accent:#1f6fd6;--tint:#1f6fd61f;--mark:#ffe27a8c;--good:#12835a;--goodbg:#12835a1c;--bad:#d2500a}
    @media (prefers-color-scheme:dark){:root{--paper:#14171c;--panel:#1b2027;--ink:#e8eaed;
    --soft:#a2abb8;--rule:#2b3038;--accent:#6aa9ff;--tint:#6aa9ff2e;--mark:#e8bf4a4d;--good:#4fce9b;
    --goodbg:#4fce9b26;--bad:#ff9a5c}}
    *{box-sizing:border-box}
    html{scroll-padding-top:1rem}
    body{margin:0;background:var(--paper);color:var(--ink);
    font:15px/1.5 system-ui,'Segoe UI','Helvetica Neue',Arial,sans-serif}
    header,main{max-width:1040px;margin:0 auto;padding:0 24px}
    header{padding-top:36px}
    h1{font-size:28px;line-height:1.2;margin:0 0 4px;letter-spacing:-.01em}
    h2{font-size:19px;line-height:1.3;margin:0 0 12px;overflow-wrap:anywhere}
    header p{margin:0;color:var(--soft)}
    code,pre,.id{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.92em}
    nav{display:flex;flex-wrap:wrap;gap:4px 20px;margin-top:16px;padding-bottom:12px;
    border-bottom:1px solid var(--rule)}
    a{color:var(--accent);text-decoration:none}
    a:hover{text-decoration:underline}
    section{padding:28px 0 4px}
    .note{color:var(--soft);font-size:13px;margin:10px 0 0}
    .scroll{overflow-x:auto;border:1px solid var(--rule);border-radius:8px}
    table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
    th,td{padding:7px 11px;text-align:left;border-top:1px solid var(--rule);font-weight:400;
    vertical-align:baseline}
    .n{text-align:right;white-space:nowrap}
    thead th{border-top:0;background:var(--panel);padding:0;white-space:nowrap}
    thead button{all:unset;box-sizing:border-box;width:100%;cursor:pointer;padding:8px 11px;
    font-size:13px;font-weight:600;color:var(--soft)}
    thead .n button{text-align:right}
    thead button:hover{color:var(--ink)}
    th[aria-sort] button{color:var(--ink)}
    th[aria-sort] button::after{content:' ↓';color:var(--accent)}
    th[aria-sort=ascending] button::after{content:' ↑'}
    :focus-visible{outline:2px solid var(--accent)!important;outline-offset:-2px;border-radius:4px}
    tbody th{overflow-wrap:anywhere;min-width:9em}
    #comparisons{font-size:13px}#comparisons td,#comparisons th{padding-inline:8px}#comparisons thead th{padding:0}
    #comparisons thead button{padding-inline:8px}#comparisons tbody th{white-space:nowrap}
    sup{color:var(--soft);display:inline-block;width:1.7em;text-align:left;line-height:1}
    b{font-weight:650}
    .key{display:inline-block;width:10px;height:10px;border-radius:3px;margin-right:9px;
    background:var(--k)}
    .k0{--k:#1f6fd6}.k1{--k:#d2500a}.k2{--k:#12835a}.k3{--k:#9a3fb5}.k4{--k:#a87708}
    .k5{--k:#c2255c}.k6{--k:#0d7f93}.k7{--k:#656d7a}
    @media (prefers-color-scheme:dark){.k0{--k:#6aa9ff}.k1{--k:#ff9a5c}.k2{--k:#4fce9b}
    .k3{--k:#d38cf0}.k4{--k:#e8bf4a}.k5{--k:#ff7fb0}.k6{--k:#4fc6da}.k7{--k:#a8b0bd}}
    .tag{color:var(--soft);border:1px solid var(--rule);border-radius:99px;padding:0 8px;
    font-size:12px;margin-left:6px;white-space:nowrap}
    .plots{display:flex;flex-wrap:wrap;gap:20px 16px;margin-bottom:20px}
    .plots[hidden]{display:none}
    figure{margin:0;flex:0 1 auto;max-width:100%;min-width:0;overflow-x:auto}
    svg{display:block;max-width:100%;min-width:464px;height:auto}
    select,input,.plain{font:inherit;font-size:14px;color:inherit;background:var(--paper);
    border:1px solid var(--rule);border-radius:6px;padding:5px 10px}
    .plain{cursor:pointer}
    label{color:var(--soft);font-size:13px}
    select,input{margin-left:6px}
    .tools{display:flex;flex-wrap:wrap;gap:10px 20px;align-items:center;margin:0 0 12px}
    #count{color:var(--soft);font-size:13px;margin-left:auto}
    #perquery tbody th{min-width:17em}
    #perquery td.n{min-width:7em}
    .bar{display:inline-block;width:3em;height:.55em;margin-right:.6em;border-radius:2px;
    background:linear-gradient(var(--k,transparent) 0 0) no-repeat 0 0/calc(100%*var(--v,0)) 100%,
    var(--panel)}
    mark{background:var(--mark);color:inherit;border-radius:3px;padding:0 1px}
    #perquery thead button{max-width:15em;overflow:hidden;text-overflow:ellipsis}
    #perquery td.up{color:var(--good)}#perquery td.down{color:var(--bad)}
    .q{all:unset;cursor:pointer;display:grid;grid-template-columns:14px auto;column-gap:8px}
    .q::before{content:'›';color:var(--soft);align-self:start;transition:transform .12s}
    .q[aria-expanded=true]::before{transform:rotate(90deg)}
    .q span{color:var(--soft)}
    .q .id{color:var(--accent)}
    tr:hover>th .id{text-decoration:underline}
    tr.open>td{background:var(--panel);padding:16px 14px 20px}
    .drill{position:sticky;left:14px;width:min(964px,calc(100vw - 78px));display:grid;gap:16px;grid-auto-flow:column;
    grid-auto-columns:minmax(min(78vw,222px),1fr);overflow-x:auto;scroll-snap-type:x proximity}
    .drill>div{scroll-snap-align:start}
    .drill h3{font-size:14px;margin:0 0 8px;overflow-wrap:anywhere}
    .drill ol{list-style:none;margin:0;padding:0;background:var(--paper);
    border:1px solid var(--rule);border-radius:8px}
    .drill li{padding:8px 12px;border-top:1px solid var(--rule);display:grid;
    grid-template-columns:1.8em 1fr auto;gap:0 6px;font-size:13px}
    .drill li:first-child{border-top:0}
    .drill li.same{background:var(--tint)}
    .rank,.score{color:var(--soft)}
    .drill .id{overflow-wrap:anywhere}
    .grade{border-radius:99px;padding:0 8px;background:var(--panel);color:var(--soft);
    white-space:nowrap;justify-self:end;height:1.6em;line-height:1.6em;font-size:12px}
    .grade.rel{background:var(--goodbg);color:var(--good);font-weight:600}
    .sub{grid-column:2/4;color:var(--soft);font-size:12px}
    .drill p{grid-column:2/4;margin:3px 0 0;overflow-wrap:anywhere}
    .drill p.cut{display:-webkit-box;-webkit-box-orient:vertical;-webkit-line-clamp:3;overflow:hidden}
    .drill li .plain{grid-column:2/4;justify-self:start;border:0;padding:0;background:none;
    color:var(--accent);font-size:12px}
    .lead{margin:0 0 12px;color:var(--soft);font-size:13px}
    summary{cursor:pointer}
    pre{background:var(--panel);border:1px solid var(--rule);border-radius:8px;padding:12px 14px;
    overflow-x:auto}
    footer{height:48px}
    @media (prefers-reduced-motion:reduce){*{transition:none!important}}
    @media (max-width:640px){header,main{padding-inline:14px}
    .sortable thead tr,.sortable tbody tr,#perquery thead tr,#perquery tbody tr[data-query]{display:flex;
    flex-wrap:wrap;border-top:1px solid var(--rule)}
    .sortable tbody th,#perquery tbody th{flex:1 0 100%;border-top:0;padding-bottom:0}
    .sortable tbody td,#perquery tbody td.n{flex:1 0 auto;min-width:8em;border-top:0;text-align:left}
    .sortable tbody td::before,#perquery tbody td.n::before{content:attr(data-name);display:block;
    max-width:12em;overflow:hidden;text-overflow:ellipsis;font-size:12px;color:var(--soft)}
    .sortable,.sortable tbody,.sortable thead,#perquery,#perquery tbody,#perquery thead,tr.open,tr.open>td{
    display:block}
    .drill{position:static;width:100%}
    #comparisons tbody th{white-space:normal}#perquery tbody th{min-width:0}}
    @media print{nav,.tools,#more{display:none}}

    """
}
