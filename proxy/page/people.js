// SPDX-License-Identifier: MIT

/* The sidebar: rooms, who is here, and the drawer that it is on a phone. */

const PEOPLE_SHOWN = 400;
const ROOMS_SHOWN = 200;
const ROOMS_EVERY = 20 * 1000; /* ms between looks at the rooms */
const ACTIVE_FOR = 60 * 1000;  /* ms that somebody counts as being there */

const people = new Map(); /* folded name: name */
let rooms = [];           /* { name, count, topic } */
let side_stale = false;

function people_set(names) {
	people.clear();
	for (const name of names)
		people.set(fold(name), name);
	side_changed();
}

function people_add(name) {
	people.set(fold(name), name);
	side_changed();
}

function people_remove(name) {
	people.delete(fold(name));
	side_changed();
}

function rooms_set(found) {
	rooms = found;
	side_changed();
}

function side_changed() {
	if (side_stale)
		return;
	side_stale = true;
	const work = () => {
		side_stale = false;
		side_draw();
	};
	if (document.hidden)
		setTimeout(work, 500);
	else
		requestAnimationFrame(work);
}

/* Fills a list; who stands on one of its buttons stays on it. */
function fill(list, items) {
	const key = list.contains(document.activeElement) ?
	    document.activeElement.dataset.key : null;
	list.replaceChildren(...items);
	if (key === null)
		return;
	for (const e of list.querySelectorAll("button"))
		if (e.dataset.key === key)
			e.focus();
}

function side_item(key, ...content) {
	const li = make("li"), button = make("button", "item");
	button.type = "button";
	button.dataset.key = key;
	button.append(...content);
	li.append(button);
	return li;
}

function room_item(it) {
	const hash = make("span", "hash", "#");
	hash.setAttribute("aria-hidden", "true");
	const li = side_item(it.name, hash,
	    make("span", "label", it.name), make("span", "badge", it.count));
	if (it.topic)
		li.firstChild.title = it.topic;
	if (same(it.name, me.room))
		li.firstChild.setAttribute("aria-current", "true");
	return li;
}

function person_item(name) {
	const li = side_item(name, make_face(name, "small"),
	    make("span", "label", name));
	if (same(name, me.name)) {
		li.firstChild.append(make("span", "you", "you"));
		li.classList.add("own");
	}
	return li;
}

function side_draw() {
	const order = new Intl.Collator();
	const here = [...people.values()].sort(order.compare);
	const known = rooms.filter((it) => !same(it.name, me.room));
	if (me.room)
		known.push({ name: me.room, count: people.size || 1,
		    topic: me.topic });
	known.sort((a, b) => order.compare(a.name, b.name));
	fill($("rooms"), known.slice(0, ROOMS_SHOWN).map(room_item));
	fill($("people"), here.slice(0, PEOPLE_SHOWN).map(person_item));
	if (here.length > PEOPLE_SHOWN)
		$("people").append(make("li", "more",
		    `and ${here.length - PEOPLE_SHOWN} more`));
	$("count").textContent = here.length > 0 ? here.length : "";
	if (me.name)
		$("myself").replaceChildren(make_face(me.name, "small"),
		    make("b", "", me.name));
}

/* The lines of an answer to /rooms, but the first. */
function rooms_read(lines) {
	const found = [];
	for (const line of lines) {
		const m = /^([^ ]+): (\d+)(?:, (.*))?$/.exec(line);
		if (m)
			found.push({ name: m[1], count: m[2], topic: m[3] || "" });
	}
	return found;
}

/* The drawer. */

const narrow = matchMedia("(max-width: 799px)");

function side_in_sight() {
	return !narrow.matches || document.body.classList.contains("drawer");
}

function drawer(open) {
	const was = document.body.classList.contains("drawer");
	open = open && narrow.matches;
	document.body.classList.toggle("drawer", open);
	$("menu").setAttribute("aria-expanded", String(open));
	$("middle").inert = open;
	$("side").inert = narrow.matches && !open;
	if (open)
		$("side").querySelector("button").focus();
	else if (was)
		$("menu").focus();
	if (open)
		rooms_look();
}

narrow.addEventListener("change", () => drawer(false));
$("menu").addEventListener("click", () =>
    drawer(!document.body.classList.contains("drawer")));
$("shade").addEventListener("click", () => drawer(false));
document.addEventListener("keydown", (e) => {
	if (e.key === "Escape")
		drawer(false);
});
$("side").addEventListener("keydown", side_arrows);

/* Up and down go from one item to the next. */
function side_arrows(e) {
	const step = { ArrowDown: 1, ArrowUp: -1 }[e.key];
	if (!step || !e.target.classList.contains("item"))
		return;
	const all = [...$("side").querySelectorAll("button.item")];
	const next = all[all.indexOf(e.target) + step];
	if (next)
		next.focus();
	e.preventDefault();
}

$("rooms").addEventListener("click", (e) => {
	const button = e.target.closest("button");
	if (!button)
		return;
	drawer(false);
	$("message").focus();
	go_to(button.dataset.key);
});

$("people").addEventListener("click", (e) => {
	const button = e.target.closest("button");
	if (!button || same(button.dataset.key, me.name))
		return;
	drawer(false);
	compose(`/msg ${button.dataset.key} `);
});

$("other").addEventListener("click", () => {
	drawer(false);
	compose("/join ");
});

/* Rooms are looked at while there is somebody to see them. */
let active_at = Date.now();
let rooms_at = 0;

for (const type of ["keydown", "pointermove", "pointerdown"])
	document.addEventListener(type, () => { active_at = Date.now(); },
	    { passive: true });

function rooms_look() {
	const now = Date.now();
	if (document.hidden || !side_in_sight() || !wire_is_in() ||
	    now - active_at > ACTIVE_FOR || now - rooms_at < ROOMS_EVERY / 2)
		return;
	rooms_at = now;
	wire_ask({ kind: "rooms", lines: ["/rooms"] });
}

setInterval(rooms_look, ROOMS_EVERY);
