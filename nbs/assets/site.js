// What scrolls sideways can be reached and scrolled with the keyboard, and only that: a box that fits is no stop for Tab.
(() => {
  const boxes = 'main pre, main .cell-output, main .cell-output-display, main .sd-table, main table, main .math.display';
  const reach = () => document.querySelectorAll(boxes).forEach(e => {
    const scrolls = e.scrollWidth > e.clientWidth+1 && ['auto', 'scroll'].includes(getComputedStyle(e).overflowX);
    if (scrolls) e.tabIndex = 0; else if (e.getAttribute('tabindex') === '0') e.removeAttribute('tabindex');
  });
  addEventListener('load', reach);
  addEventListener('resize', reach);
  document.addEventListener('toggle', reach, true); // a <details> was opened
})();

// Draws the formulas and diagrams of a page with the KaTeX and Mermaid that the site carries (assets/vendor).
// A diagram is drawn again when the reader turns the page dark or light.
(() => {
  if (window.renderMathInElement) window.smalldocsMath();
  const diagrams = [...document.querySelectorAll('pre.mermaid')].map(node => ({node, source: node.textContent}));
  if (!window.mermaid || !diagrams.length) return;
  // smalldocs puts the class on html, Quarto on body
  const isDark = () => [document.documentElement, document.body].some(e => e.classList.contains('quarto-dark'));
  // A diagram a little too wide is made smaller; one that would become illegible scrolls in its own box.
  const fit = node => {
    const svg = node.querySelector('svg'), style = getComputedStyle(node), wide = svg.viewBox.baseVal.width;
    const room = node.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    if (wide > room) svg.style.width = `${Math.max(room, .6*wide)}px`;
  };
  let drawn = null;
  const draw = async () => {
    if (drawn === isDark()) return;
    drawn = isDark();
    mermaid.initialize({startOnLoad: false, securityLevel: 'strict', theme: drawn ? 'dark' : 'neutral',
      fontFamily: 'inherit', flowchart: {useMaxWidth: false}, sequence: {useMaxWidth: false}});
    for (const {node, source} of diagrams) { node.removeAttribute('data-processed'); node.textContent = source; }
    await mermaid.run({nodes: diagrams.map(d => d.node)});
    diagrams.forEach(d => fit(d.node));
  };
  const watch = new MutationObserver(draw);
  for (const e of [document.documentElement, document.body]) watch.observe(e, {attributes: true, attributeFilter: ['class']});
  draw();
})();
