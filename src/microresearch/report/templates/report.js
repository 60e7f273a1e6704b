(function () {
  "use strict";
  var root = document.documentElement, button = document.querySelector("button.theme");
  function dark() {
    var set = root.getAttribute("data-theme");
    return set ? set === "dark" : window.matchMedia("(prefers-color-scheme: dark)").matches;
  }
  function label() { button.textContent = dark() ? "Light colours" : "Dark colours"; }
  button.hidden = false;
  button.addEventListener("click", function () { root.setAttribute("data-theme", dark() ? "light" : "dark"); label(); });
  label();

  function key(row, column) {
    var cell = row.cells[column], value = cell.getAttribute("data-value");
    return value === null ? cell.textContent.trim() : Number(value);
  }
  function compare(a, b) {
    var numbers = typeof a === "number", others = typeof b === "number";
    if (numbers && others) { return a - b; }
    if (numbers !== others) { return numbers ? -1 : 1; }
    return a.localeCompare(b, "en");
  }
  function sort(table, column, up) {
    var body = table.tBodies[0], rows = Array.prototype.slice.call(body.rows);
    rows.forEach(function (row, i) { if (row.start === undefined) { row.start = i; } });
    rows.sort(function (a, b) {
      var left = key(a, column), right = key(b, column), blank = (typeof left !== "number") - (typeof right !== "number");
      var mixed = (typeof left) !== (typeof right);
      return (mixed ? blank : (up ? 1 : -1) * compare(left, right)) || a.start - b.start;
    });
    rows.forEach(function (row) { body.appendChild(row); });
  }
  document.querySelectorAll("table.sortable").forEach(function (table) {
    if (table.tBodies[0].rows.length < 2) { return; }
    Array.prototype.forEach.call(table.tHead.rows[0].cells, function (cell, column) {
      var press = document.createElement("button");
      press.type = "button"; press.textContent = cell.textContent; press.title = "Sort by this column";
      cell.textContent = ""; cell.appendChild(press);
      press.addEventListener("click", function () {
        var up = cell.getAttribute("aria-sort") !== "ascending";
        table.querySelectorAll("th[aria-sort]").forEach(function (other) { other.removeAttribute("aria-sort"); });
        cell.setAttribute("aria-sort", up ? "ascending" : "descending");
        sort(table, column, up);
      });
    });
  });

  function unfold() {
    var target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (var part = target; part; part = part.parentElement) { if (part.tagName === "DETAILS") { part.open = true; } }
    if (target) { target.scrollIntoView(); }
  }
  window.addEventListener("hashchange", unfold);
  unfold();

  var closed = [];
  window.addEventListener("beforeprint", function () {
    closed = Array.prototype.slice.call(document.querySelectorAll("main details:not([open])"));
    closed.forEach(function (part) { part.open = true; });
  });
  window.addEventListener("afterprint", function () { closed.forEach(function (part) { part.open = false; }); });
  var contents = document.querySelector("nav details");
  if (window.matchMedia("(max-width: 65.99rem)").matches) { contents.open = false; }
})();
