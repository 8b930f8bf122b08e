/** The console's tokens, as far as a report needs them; system fonts, because the file loads nothing. */
export const reportStyle = `
:root { color-scheme: light dark; --text: light-dark(#161616, #f0f0f0); --quiet: light-dark(#5a5a5a, #a8a8a8);
  --ground: light-dark(#ffffff, #1c1c1c); --line: light-dark(#dcdcdc, #333333); --strong: light-dark(#8d8d8d, #6f6f6f);
  --fatal: light-dark(#da1e28, #ff8389); --good: light-dark(#0e6027, #42be65); --wait: light-dark(#6929c4, #be95ff);
  --wait-soft: light-dark(#f6f2ff, #241537); }
body { font: 13px/18px 'IBM Plex Sans', system-ui, sans-serif; color: var(--text); background: var(--ground);
  margin: 24px auto; max-width: 960px; padding: 0 16px; font-variant-numeric: tabular-nums; }
h1 { font-size: 20px; line-height: 26px; } h2 { font-size: 15px; margin: 28px 0 6px; }
dl { display: grid; grid-template-columns: auto 1fr; gap: 3px 14px; margin: 0; } dt { color: var(--quiet); } dd { margin: 0; }
svg { width: 100%; height: auto; border: 1px solid var(--line); border-radius: 3px; }
svg text { font-size: 12px; fill: var(--text); } svg .time, svg .phase { font-family: ui-monospace, monospace; font-size: 11px; fill: var(--quiet); }
svg .phase { fill: var(--wait); } svg .lane { fill: none; stroke: var(--strong); } svg .lane-title { font-weight: 600; }
svg .lane-line { stroke: var(--strong); } svg .wait { fill: var(--wait-soft); stroke: var(--wait); }
svg .arrow { stroke: var(--text); stroke-width: 1.5; fill: none; } svg .dot { fill: var(--text); }
svg .quiet .arrow { stroke: var(--strong); } svg .quiet text { fill: var(--quiet); }
svg .error .arrow { stroke: var(--fatal); } svg .error text:not(.time):not(.phase) { fill: var(--fatal); } svg .error .dot { fill: var(--fatal); }
svg .good .arrow { stroke: var(--good); } svg .good text:not(.time):not(.phase) { fill: var(--good); } svg .good .dot { fill: var(--good); }
svg .waiting .arrow { stroke: var(--wait); } svg .waiting text:not(.time):not(.phase) { fill: var(--wait); }
.outcome.good { color: var(--good); } .outcome.error { color: var(--fatal); }
table { border-collapse: collapse; width: 100%; font-size: 12px; } th { text-align: left; color: var(--quiet); }
td, th { padding: 2px 8px 2px 0; border-bottom: 1px solid var(--line); vertical-align: top; } td:first-child { font-family: ui-monospace, monospace; white-space: nowrap; }
tr.error td:nth-child(4) { color: var(--fatal); } tr.good td:nth-child(4) { color: var(--good); } tr.waiting td:nth-child(4) { color: var(--wait); } tr.quiet td:nth-child(4) { color: var(--quiet); }
h3 { font-size: 13px; margin: 18px 0 4px; } .restore th[scope=row], .restore td:nth-child(n+3) { font-family: ui-monospace, monospace; font-size: 11px; font-weight: 400; }
.restore .step { color: var(--quiet); } .restore .changed, .hazard > .verdict, .lost > .verdict, li.hazard > b:first-child { color: var(--fatal); } .restore .back, .restored > .verdict { color: var(--good); }
`;
