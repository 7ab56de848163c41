/// What the page does: sorts tables, makes the table of queries, opens queries.
///
/// Everything from the data goes into the page as text, never as markup.
enum PageScript {
  static let text = #"""
    'use strict';
    (() => {
    const data = JSON.parse(document.getElementById('data').textContent);
    const $ = id => document.getElementById(id);
    const make = (name, attributes, ...children) => {
      const element = document.createElement(name);
      for (const [key, value] of Object.entries(attributes || {}))
        if (value !== null && value !== undefined) element.setAttribute(key, value);
      element.append(...children.filter(child => child !== null));
      return element;
    };
    const minus = text => text.replace('-', '\u2212');
    const fixed = (x, signed) => x === null ? '\u2013'
      : (signed && x > 0 ? '+' : '') + minus(Number.isInteger(x) && !signed && Math.abs(x) > 1
        ? String(x) : x.toFixed(data.digits).replace(/^-(?=[0.]*$)/, ''));
    const names = new Intl.Collator('en', {numeric: true});
    // What is missing comes last, either way.
    const compare = (a, b, down) => {
      if (a === null || b === null) return (a === null) - (b === null);
      const order = typeof a === 'number' && typeof b === 'number' ? a - b : names.compare(a, b);
      return down ? -order : order;
    };
    const mark = (header, chosen, down) => {
      for (const th of header.children) th.removeAttribute('aria-sort');
      chosen.setAttribute('aria-sort', down ? 'descending' : 'ascending');
    };

    // Tables that are there already: numbers first fall, names first rise.
    const cellValue = cell => {
      const text = cell.textContent.trim().replace('\u2212', '-').replace(/^</, '');
      const number = parseFloat(text);
      return cell.classList.contains('n') ? (isNaN(number) ? null : number) : text;
    };
    for (const table of document.querySelectorAll('table.sortable')) {
      const header = table.tHead.rows[0], body = table.tBodies[0];
      [...header.children].forEach((th, column) => {
        th.firstChild.addEventListener('click', () => {
          const sorted = th.getAttribute('aria-sort');
          const down = sorted ? sorted === 'ascending' : th.classList.contains('n');
          mark(header, th, down);
          body.append(...[...body.rows].sort((a, b) =>
            compare(cellValue(a.cells[column]), cellValue(b.cells[column]), down)));
        });
      });
    }

    const plotted = $('plotted');
    if (plotted) plotted.addEventListener('change', () => {
      for (const group of document.querySelectorAll('.plots[data-measure]'))
        group.hidden = group.dataset.measure !== plotted.value;
    });

    // Queries.
    const state = {measure: 0, column: 'order', down: false, find: '', limit: 100,
      open: new Set()};
    const step = 200;
    const value = (query, run) => query.v[run] ? query.v[run][state.measure] : null;
    const others = data.runs.map((_, i) => i).filter(i => i !== data.baseline);
    const gap = query => {
      const values = data.runs.map((_, run) => value(query, run)).filter(v => v !== null);
      if (data.runs.length !== 2)
        return values.length < 2 ? null : Math.max(...values) - Math.min(...values);
      return values.length < 2 ? null : value(query, others[0]) - value(query, data.baseline);
    };
    data.queries.forEach((query, order) => { query.order = order; });
    const columns = [{key: 'id', name: 'query', of: query => query.id}]
      .concat(data.runs.map((name, run) => ({key: 'run' + run, name, run,
        of: query => value(query, run)})));
    if (data.runs.length > 1)
      columns.push({key: 'gap', name: data.runs.length === 2 ? 'difference' : 'spread', of: gap});

    const chip = grade => make('span', {class: 'grade' + (grade > 0 ? ' rel' : '')},
      grade === null ? 'not judged' : 'grade ' + minus(String(grade)));

    // Words that say little are not marked, nor are those of one letter.
    const common = new Set(('a an and are as at be by can did do does for from had has have how in is it'
      + ' its of on or that the their there these they this to was were what when where which who why'
      + ' will with you your').split(' '));
    const wordsOf = text => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) || [];
    // A plural is the same word.
    const stem = word => word.length > 3 ? word.replace(/(?<!s)s$/, '') : word;
    const wanted = query => new Set(wordsOf(query.text || '')
      .filter(word => word.length > 1 && !common.has(word)).map(stem));
    const marked = (words, sought) => words.split(/([\p{L}\p{N}]+)/u).map((piece, place) =>
      place % 2 && sought.has(stem(piece.toLowerCase())) ? make('mark', {}, piece) : piece);

    const text = (words, sought) => {
      if (words === undefined) return [];
      const paragraph = make('p', {class: 'cut'}, ...marked(words, sought));
      if (words.length < 160) return [paragraph];
      const button = make('button', {type: 'button', class: 'plain', 'aria-expanded': 'false'},
        'show all');
      button.addEventListener('click', () => {
        const isCut = paragraph.classList.toggle('cut');
        button.textContent = isCut ? 'show all' : 'show less';
        button.setAttribute('aria-expanded', String(!isCut));
      });
      return [paragraph, button];
    };

    const item = ([doc, grade, score, rank], place, run, sought) => {
      const [id, words] = data.docs[doc];
      const moved = data.runs.length > 1 && run !== data.baseline
        ? (rank ? ' \u00b7 baseline #' + rank : ' \u00b7 not in the baseline') : '';
      const li = make('li', {'data-doc': doc}, make('span', {class: 'rank'}, String(place + 1)),
        make('span', {class: 'id'}, id), chip(grade),
        make('span', {class: 'sub'}, 'score ' + minus(String(score)) + moved), ...text(words, sought));
      return li;
    };

    const drill = query => {
      const cell = make('td', {colspan: columns.length});
      if (!query.docs) {
        cell.append(make('p', {class: 'lead'}, 'The documents of this query are not on the page.'));
        return make('tr', {class: 'open'}, cell);
      }
      cell.append(make('p', {class: 'lead'}, query.rel === 1
        ? '1 document is judged relevant' : query.rel + ' documents are judged relevant'));
      const box = make('div', {class: 'drill', tabindex: '0', role: 'region',
        'aria-label': 'Documents of the runs'});
      const sought = wanted(query);
      query.docs.forEach((docs, run) => {
        const list = docs.length
          ? make('ol', {}, ...docs.map((doc, place) => item(doc, place, run, sought)))
          : make('p', {class: 'lead'}, 'The run lacks this query.');
        box.append(make('div', {}, make('h3', {}, make('i', {class: 'key k' + run % 8}),
          data.runs[run] + '  ' + fixed(value(query, run))), list));
      });
      // The same document in the other runs.
      box.addEventListener('mouseover', event => {
        const here = event.target.closest('li');
        for (const li of box.querySelectorAll('li'))
          li.classList.toggle('same', data.runs.length > 1 && here !== null
            && li.dataset.doc === here.dataset.doc);
      });
      box.addEventListener('mouseleave', () => {
        for (const li of box.querySelectorAll('li.same')) li.classList.remove('same');
      });
      cell.append(box);
      return make('tr', {class: 'open'}, cell);
    };

    const rows = (query, most) => {
      const button = make('button', {type: 'button', class: 'q',
        'aria-expanded': String(state.open.has(query))},
        make('span', {}, make('span', {class: 'id'}, query.id),
          query.text === undefined ? null : make('span', {}, '  ' + query.text)));
      const tr = make('tr', {'data-query': query.id}, make('th', {scope: 'row'}, button));
      for (const column of columns.slice(1)) {
        const number = column.of(query);
        const signed = column.key === 'gap' && data.runs.length === 2;
        const td = make('td', {class: 'n' + (signed && number > 0 ? ' up' : '')
          + (signed && number < 0 ? ' down' : '')
          + (column.run === undefined ? '' : ' k' + column.run % 8), 'data-name': column.name});
        if (column.run !== undefined) {
          const bar = make('i', {class: 'bar'});
          bar.style.setProperty('--v', String(number > 0 && most > 0 ? number / most : 0));
          td.append(bar);
        }
        td.append(fixed(number, signed));
        tr.append(td);
      }
      button.addEventListener('click', () => {
        if (state.open.delete(query)) tr.nextSibling.remove();
        else { state.open.add(query); tr.after(drill(query)); }
        button.setAttribute('aria-expanded', String(state.open.has(query)));
      });
      return state.open.has(query) ? [tr, drill(query)] : [tr];
    };

    const table = $('perquery');
    const header = make('tr');
    columns.forEach(column => {
      const button = make('button', {type: 'button', title: column.name}, column.name);
      const th = make('th', {scope: 'col', class: column.key === 'id' ? null : 'n'}, button);
      button.addEventListener('click', () => {
        state.down = state.column === column.key ? !state.down : column.key !== 'id';
        state.column = column.key;
        mark(header, th, state.down);
        show();
      });
      header.append(th);
    });
    const body = make('tbody');
    table.append(make('thead', {}, header), body);

    const show = () => {
      const words = state.find.toLowerCase().split(/\s+/).filter(Boolean);
      const found = data.queries.filter(query => {
        const all = (query.id + ' ' + (query.text || '')).toLowerCase();
        return words.every(word => all.includes(word));
      });
      const column = columns.find(c => c.key === state.column);
      if (column) {
        const keys = new Map(found.map(query => [query, column.of(query)]));
        found.sort((a, b) => compare(keys.get(a), keys.get(b), state.down) || a.order - b.order);
      }
      let most = 0;
      for (const query of data.queries)
        for (let run = 0; run < data.runs.length; run++)
          most = Math.max(most, value(query, run) || 0);
      const shown = found.slice(0, state.limit);
      body.replaceChildren(...shown.flatMap(query => rows(query, most)));
      $('count').textContent = (found.length === data.queries.length ? ''
        : found.length + ' of ') + data.queries.length + ' queries';
      $('more').hidden = shown.length === found.length;
    };
    const measure = $('measure');
    data.measures.forEach((name, i) => measure.append(make('option', {value: i}, name)));
    measure.addEventListener('change', () => { state.measure = Number(measure.value); show(); });
    $('find').addEventListener('input', event => { state.find = event.target.value; show(); });
    $('more').addEventListener('click', () => { state.limit += step; show(); });
    show();
    })();

    """#
}
