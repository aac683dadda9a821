// SPDX-License-Identifier: MIT

/*
 * The connection.  Lines go out, objects come in.
 *
 * Answers have no numbers, but come in the order of what was asked.  So each
 * thing that the page asks is followed by /whoami: its answer ends what was
 * asked before it, and says that all lines before it have arrived.  Such a
 * group is { kind, lines (to be sent), said (one's own lines that it covers),
 * answers, errors, meanwhile (records), whoami (how many answers to it are
 * one's own) }.
 */

const HELLO_WAIT = 10 * 1000; /* ms for a connection, and for joining */
const ANSWER_WAIT = 20 * 1000;
const LINE_WAIT = 5 * 1000;   /* ms more for each line, if one is paced */
const BACK_OFF = 500;         /* ms before the first try, about */
const BACK_OFF_MAX = 30 * 1000;
const WHOAMI = /^you are ([^ ]+) in ([^ ]+), from ([^ ]+)$/;

const me = { room: "", name: "", room_password: "", name_password: "",
    topic: "" };

/*
 * out: no connection is wanted; joining: connected, or about to be, and not in
 * a room yet; in: in a room; waiting: for the next try.
 */
let state = "out";
let socket = null;
let again = false;   /* have we been in already? */
let tries = 0;
let last_object = null;
let groups = [];
let uncovered = []; /* one's own lines that no group covers yet */
let wire_timer = 0;

function wire_is_in() {
	return state === "in";
}

/* The groups of that kind that are under way. */
function wire_groups(kind) {
	return groups.filter((group) => group.kind === kind);
}

function enter(next, said) {
	state = next;
	clearTimeout(wire_timer);
	show_state(next, said || "");
}

/* After so many milliseconds, unless the state changes. */
function wire_after(ms, f) {
	clearTimeout(wire_timer);
	wire_timer = setTimeout(f, ms);
}

function wire_open() {
	const url = new URL("chat", location.href);
	wire_drop();
	url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
	url.hash = url.search = "";
	const s = new WebSocket(url);
	socket = s;
	last_object = null;
	enter("joining");
	wire_after(HELLO_WAIT, wire_lost);
	s.onopen = () => {
		if (s === socket)
			wire_hello();
	};
	s.onmessage = (e) => {
		if (s === socket && typeof e.data === "string")
			wire_read(e.data);
	};
	s.onclose = (e) => {
		if (s === socket)
			wire_lost(e.code);
	};
}

/* Forgets the connection, if there is one. */
function wire_drop() {
	const s = socket;
	socket = null;
	groups = [];
	uncovered = [];
	if (s)
		s.close();
}

/*
 * Room and name, and their passwords, which are known to this page alone and
 * as long as it is open.
 */
function wire_hello() {
	const with_password = (line, password) =>
	    password ? `${line} ${password}` : line;
	socket.send(with_password(me.room, me.room_password));
	socket.send(with_password(me.name, me.name_password));
}

function wire_read(text) {
	let o;
	try {
		o = JSON.parse(text);
	} catch {
		return;
	}
	if (o === null || typeof o !== "object")
		return;
	last_object = o;
	if (state === "joining")
		wire_at_door(o);
	else if (state === "in")
		wire_in(o);
}

/* Before the join there is one's own join line, or an error. */
function wire_at_door(o) {
	if (o.type === "join" || (o.type === "error" && o.code === "lagged")) {
		tries = 0;
		again = true;
		enter("in");
		if (o.type === "error")
			o = { type: "join", room: me.room, name: me.name,
			    seq: o.seq, time: o.time };
		on_record(o);
	} else if (o.type === "error") {
		at_door_error(o);
	}
}

/* An error at the door: what may pass is tried again, if we had been in. */
function at_door_error(o) {
	const passes = ["name-taken", "server-full", "room-full", "internal",
	    "too-many-from-address", "too-many-rooms", "shutting-down",
	    "login-timeout"];
	if (again && passes.includes(o.code)) {
		wire_retry(o.code === "name-taken" ?
		    "Your name is still in use, perhaps by your old connection" :
		    o.text);
		return;
	}
	wire_drop();
	enter("out");
	door_error(o, true);
}

function wire_in(o) {
	if (o.type === "error")
		wire_error(o);
	else if (o.type !== "reply")
		on_record(o);
	else if (o.name !== undefined)
		on_past(o, groups[0]);
	else
		wire_reply(o);
}

function wire_reply(o) {
	const group = groups[0], found = WHOAMI.exec(o.text);
	if (group && found && group.whoami-- === 0) {
		groups.shift();
		me.name = found[1];
		on_group(group, o);
		wire_cover();
		wire_watch();
	} else if (!on_unasked(o, group) && group) {
		group.answers.push(o.text);
	}
}

function wire_error(o) {
	if (groups[0])
		groups[0].errors.push(o);
	on_error(o, groups[0]);
}

/* Asks something; see above. */
function wire_ask(group) {
	const covers = groups.length === 0 || group.kind === "user";
	group.answers = [];
	group.errors = [];
	group.meanwhile = []; /* records that came since */
	group.whoami = group.whoami || 0;
	group.said = group.said || [];
	if (covers && uncovered.length > 0) {
		const said = uncovered;
		uncovered = [];
		if (group.kind === "user")
			wire_ask({ kind: "said", lines: [], said });
		else
			group.said.push(...said);
	}
	groups.push(group);
	socket.send([...group.lines, "/whoami"].join("\n"));
	if (groups.length === 1)
		wire_watch();
}

/* Says a line, which is covered as soon as nothing else is under way. */
function wire_say(line) {
	socket.send(line.wire);
	uncovered.push(line);
}

function wire_cover() {
	if (state === "in" && groups.length === 0 && uncovered.length > 0)
		wire_ask({ kind: "said", lines: [] });
}

/* No answer in a long time: the connection is dead and doesn't know it. */
function wire_watch() {
	clearTimeout(wire_timer);
	if (groups.length === 0)
		return;
	const lines = uncovered.length +
	    groups.reduce((n, g) => n + 1 + g.lines.length + g.said.length, 0);
	wire_after(ANSWER_WAIT + LINE_WAIT * lines, wire_lost);
}

/* Is there still somebody?  Asked when the network or the page comes back. */
function wire_probe() {
	if (state === "waiting")
		wire_open();
	else if (state === "in" && groups.length === 0)
		wire_ask({ kind: "said", lines: [] });
}

/* The connection has ended; `code` says why, if the other side did. */
function wire_lost(code) {
	const was = state;
	const why = last_object && last_object.type === "error" ?
	    last_object : {};
	wire_drop();
	if (was === "out")
		return;
	if (was === "in")
		on_lost(code);
	if (!again) {
		enter("out");
		door_error({ code: "", text: "The server can\u2019t be reached." },
		    false);
	} else if (was === "in" &&
	    ["banned", "name-taken"].includes(why.code)) {
		again = false;
		enter("out");
		door_error(why, false);
	} else if (was === "in" && why.code === "idle-timeout") {
		enter("waiting", "Disconnected: " + why.text);
	} else {
		wire_retry("Connection lost");
	}
}

/* Waits longer each time, and never as long as the others do. */
function wire_retry(said) {
	const wait = Math.min(BACK_OFF * 2 ** tries, BACK_OFF_MAX);
	wire_drop();
	tries++;
	enter("waiting", said + ". Trying again\u2026");
	wire_after(wait * (0.5 + Math.random() / 2), wire_open);
}

/* Joins, from the form. */
function wire_join(room, name) {
	me.room = room;
	me.name = name;
	tries = 0;
	again = false;
	wire_open();
}

/* Leaves, or gives up. */
function wire_leave() {
	if (state === "in")
		socket.send("/quit");
	wire_drop();
	again = false;
	enter("out");
}

addEventListener("online", wire_probe);
document.addEventListener("visibilitychange", () => {
	if (!document.hidden)
		wire_probe();
});
$("retry").addEventListener("click", () => {
	tries = 0;
	wire_open();
});
