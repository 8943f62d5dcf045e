'use strict';
// What the page does beyond being read: morphs play, tables sort, images open large. Without it everything is there, and stands still.
(() => {
  const all = (selector, within = document) => Array.from(within.querySelectorAll(selector));
  const make = (tag, properties) => Object.assign(document.createElement(tag), properties);
  const data = (id) => JSON.parse(document.getElementById(id)?.textContent || 'null');
  const still = matchMedia('(prefers-reduced-motion: reduce)').matches;

  const paintings = data('player-paintings') || {};
  for (const player of all('.player')) {
    const frames = JSON.parse(player.dataset.frames);
    const sprite = player.querySelector('.screen img');
    const slider = player.querySelector('input');
    const button = player.querySelector('button');
    const like = player.querySelector('.like');
    const thumb = like.insertBefore(make('img', {}), like.firstChild);
    let timer = null, step = 1;
    const show = (k) => {
      const frame = frames[k];
      slider.value = k;
      slider.setAttribute('aria-valuetext', `${frame.year}, t = ${frame.t}`);
      sprite.style.transform = `translateX(${-100 * k / frames.length}%)`;
      player.querySelector('.year').textContent = frame.year;
      player.querySelector('.said').textContent = frame.said;
      const painting = paintings[frame.resembles];
      like.hidden = !painting;
      if (painting) {
        thumb.src = painting.uri;
        thumb.alt = painting.title;
        like.querySelector('bdi').textContent = painting.title;
      }
    };
    const stop = () => { clearInterval(timer); timer = null; button.textContent = 'play'; };
    slider.max = frames.length - 1;
    slider.addEventListener('input', () => { stop(); show(Number(slider.value)); });
    button.addEventListener('click', () => {
      if (timer) return stop();
      button.textContent = 'pause';
      timer = setInterval(() => {
        const k = Number(slider.value);
        if (k + step < 0 || k + step >= frames.length) step = -step;
        show(k + step);
      }, still ? 700 : 200);
    });
    show(Math.floor(frames.length / 2));
    player.hidden = false;
  }

  const value = (cell) => {
    const text = (cell.dataset.value ?? cell.textContent).trim();
    const number = Number.parseFloat(text.replaceAll(',', '').replace('\u2212', '-'));
    return Number.isNaN(number) ? text.toLowerCase() : number;
  };
  const order = (a, b) => typeof a === typeof b ? (a < b ? -1 : a > b ? 1 : 0) : typeof a === 'number' ? -1 : 1;
  for (const table of all('table.sortable')) {
    const heads = all('th', table.rows[0]);
    heads.forEach((head, column) => {
      const button = make('button', { type: 'button', className: 'sort' });
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener('click', () => {
        const down = head.getAttribute('aria-sort') === 'ascending';
        for (const other of heads) other.removeAttribute('aria-sort');
        head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
        const rows = Array.from(table.rows).slice(1);
        rows.sort((a, b) => (down ? -1 : 1) * order(value(a.cells[column]), value(b.cells[column])));
        for (const row of rows) row.parentNode.append(row);
      });
    });
  }

  const dialog = make('dialog', { className: 'large' });
  document.body.append(dialog);
  dialog.addEventListener('click', () => dialog.close());
  const open = (image) => {
    const copy = make('img', { src: image.currentSrc || image.src, alt: image.alt, className: image.className });
    if (image.closest('.plot')) copy.classList.add('drawn');
    dialog.replaceChildren(copy, make('p', { textContent: image.alt }));
    dialog.showModal();
  };
  for (const image of all('img').filter((one) => !one.closest('a, .player'))) {
    image.tabIndex = 0;
    image.setAttribute('role', 'button');
    image.addEventListener('click', () => open(image));
    image.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' || event.key === ' ') { event.preventDefault(); open(image); }
    });
  }
})();
