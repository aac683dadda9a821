// SPDX-License-Identifier: MIT

/* The page: the door, the header, what objects mean, what commands do. */

const ignored = new Set(); /* folded names, said to each new connection */
let unread = 0;
let typed_password = null; /* { command, name, password } */

/* What comes in. */

/* A record, or a notice. */
function on_record(o) {
	const own = o.name !== undefined && same(o.name, me.name);
	switch (o.type) {
	case "join":
		if (own) {
			moved(o);
			return;
		}
		people_add(o.name);
		break;
	case "leave":
		people_remove(o.name);
		break;
	case "rename":
		people_remove(o.name);
		people_add(o.text);
		if (own) {
			me.name_password = password_of("nick", o.text,
			    same(me.name, o.text) ? me.name_password : "");
			me.name = o.text;
			remember("name", me.name);
		}
		break;
	case "topic":
		show_topic(o.text);
		break;
	}
	for (const group of wire_groups("who"))
		group.meanwhile.push(o);
	if (resume && o.type !== "private" && o.type !== "notice") {
		resume_note(o);
		return;
	}
	show_record(o, false);
	if (!resume)
		log.seq = Math.max(log.seq, o.seq || 0);
}

/*
 * The password that was typed with the command that has led to this name or
 * room, if there was one: to be said again by the next connection.
 */
function password_of(command, name, otherwise) {
	const it = typed_password;
	if (!it || it.command !== command || !same(it.name, name))
		return otherwise;
	typed_password = null;
	return it.password;
}

/* One's own join line: one is in that room now. */
function moved(o) {
	const first = me.room !== o.room || !$("door").hidden;
	resume_lost();
	me.room_password = password_of("join", o.room,
	    same(me.room, o.room) ? me.room_password : "");
	me.room = o.room;
	me.name = o.name;
	log_show(o.room);
	show_topic("");
	people_set([o.name]);
	remember("room", me.room);
	remember("name", me.name);
	history.replaceState(null, "", "#" + encodeURIComponent(me.room));
	show_chat(first);
	resume_begin(o);
}

/* An answer that shows what was said before. */
function on_past(o, group) {
	if (group && group.kind === "user" && /^\/(history|search)/i.test(
	    group.lines[0]))
		show_record(o, false, true);
	else if (resume)
		resume_note(o);
	else if (o.seq > log.seq)
		show_record(o, true);
}

/* Takes an answer that nobody asked for, or that says the topic. */
function on_unasked(o, group) {
	const asked = group && group.kind === "user" &&
	    !/^\/join/i.test(group.lines[0]);
	const begin = `topic of ${me.room}: `;
	if (o.text.startsWith(begin)) {
		show_topic(o.text.slice(begin.length));
		return !asked;
	}
	if (!group)
		show_reply(o.text);
	return !group;
}

/* All of a group's answers are there; `o` came behind them. */
function on_group(group, o) {
	outbox_arrived(group.said);
	switch (group.kind) {
	case "who":
		people_set(group.answers.slice(1).join(" ").split(" ")
		    .filter((name) => name));
		for (const it of group.meanwhile)
			if (it.type === "join")
				people_add(it.name);
			else if (it.type === "leave")
				people_remove(it.name);
		break;
	case "rooms":
		rooms_set(rooms_read(group.answers));
		break;
	case "user":
		user_answered(group);
		break;
	}
	if (resume && group === resume.until)
		resume_end(o);
	else if (!resume)
		log.seq = Math.max(log.seq, o.seq);
}

function user_answered(group) {
	const [, command, rest] = /^\/(\S*)\s*(.*)$/.exec(group.lines[0]);
	if (group.answers.length > 0)
		show_reply(group.answers.join("\n"));
	if (group.errors.length > 0) {
		typed_password = null;
		return;
	}
	if (same(command, "ignore"))
		ignored.add(fold(rest.trim()));
	if (same(command, "unignore"))
		ignored.delete(fold(rest.trim()));
	if (same(command, "rooms"))
		rooms_set(rooms_read(group.answers));
}

/* An error while in a room. */
function on_error(o, group) {
	const line = group && line_of_error(o, group.said);
	if (line)
		line_enter(line, "failed", o.text);
	else if (!group || ["user", "said"].includes(group.kind))
		log.put({ kind: "error", text: o.text, time: time_of(o) });
	if (o.code === "lagged" && !resume)
		wire_ask({ kind: "who", lines: ["/who"] });
}

/* The connection is gone, after we had been in. */
function on_lost(code) {
	outbox_lost(code);
	resume_lost();
}

/* What is shown of it. */

function time_of(o) {
	const time = new Date(o.time);
	return isNaN(time) ? new Date() : time;
}

/* `past`: it was said before one came; `quoted`: asked for to be read again. */
function show_record(o, past, quoted) {
	const kind = o.type === "reply" ? o.kind || "message" : o.type;
	const row = { kind, time: time_of(o), name: o.name, text: o.text,
	    quoted, own: o.name !== undefined && same(o.name, me.name) };
	const events = {
		join: "joined", leave: "left",
		rename: `is now ${o.text}`,
		topic: o.text ? `set the topic: ${o.text}` :
		    "took the topic away",
	};
	if (events[kind]) {
		row.kind = "event";
		row.text = events[kind];
		row.classes = kind;
	} else if (kind === "notice") {
		row.kind = "reply";
	} else if (["message", "action", "private"].includes(kind)) {
		if (!show_said(row, o, past))
			return;
	} else {
		return;
	}
	log.put(row);
}

/* False if it is not to be shown. */
function show_said(row, o, past) {
	if (!row.quoted && row.kind !== "private")
		log.anchor = o.seq;
	if (ignored.has(fold(o.name)))
		return false;
	row.mention = !row.own && mentions(o.text, me.name);
	row.counts = !row.own && !row.quoted;
	if (document.hidden && row.counts) {
		row.fresh = unread === 0;
		if (row.fresh)
			log.seen();
		unread++;
		show_title();
		if (!past && (row.mention || row.kind === "private"))
			notify(row);
	}
	return true;
}

function show_reply(text) {
	log.put({ kind: "reply", text, time: new Date() });
}

function show_topic(text) {
	me.topic = text;
	$("topic").textContent = "";
	add_text($("topic"), text);
	side_changed();
}

function show_title() {
	const count = unread > 0 ? `(${unread}) ` : "";
	document.title = state === "out" ? "chatmaster" :
	    `${count}${me.room} \u2013 chatmaster`;
}

/* Called by wire.js with each change of its state. */
function show_state(next, said) {
	const words = { out: "", joining: "connecting", in: "connected",
	    waiting: "disconnected" };
	document.body.dataset.state = next;
	$("link-said").textContent = words[next];
	if (next === "waiting")
		$("banner-said").textContent = said;
	if (next !== "joining")
		$("banner").hidden = next !== "waiting";
	$("enter").disabled = next === "joining" && !again;
	if (next === "out")
		show_door();
	show_title();
}

function show_chat(first) {
	$("door").hidden = true;
	$("password-field").hidden = true;
	$("password").value = "";
	$("chat").hidden = false;
	$("where").textContent = me.room;
	drawer(false);
	side_changed();
	rooms_at = 0;
	show_title();
	if (first)
		box.focus();
	for (const name of ignored)
		wire_ask({ kind: "ignore", lines: ["/ignore " + name] });
}

/* A notification, where it is allowed. */
function notify(row) {
	if ($("notify").getAttribute("aria-pressed") !== "true" ||
	    Notification.permission !== "granted")
		return;
	try {
		const n = new Notification(`${row.name} in ${me.room}`,
		    { body: row.text, tag: "chatmaster-" + fold(row.name) });
		n.onclick = () => {
			window.focus();
			n.close();
		};
	} catch {
		/* some browsers want a service worker for that */
	}
}

function notify_set(on) {
	on = on && "Notification" in window &&
	    Notification.permission === "granted";
	$("notify").setAttribute("aria-pressed", String(on));
	remember("notify", on ? "yes" : "");
}

$("notify").hidden = !("Notification" in window);
notify_set(remembered("notify") === "yes");
$("notify").addEventListener("click", async () => {
	const on = $("notify").getAttribute("aria-pressed") === "true";
	if (!on && Notification.permission === "default")
		await Notification.requestPermission();
	notify_set(!on);
});

document.addEventListener("visibilitychange", () => {
	if (document.hidden)
		return;
	unread = 0;
	show_title();
});
$("newer").addEventListener("click", () => {
	log.to_end();
	box.focus();
});

/* What goes out. */

/* A line typed alone may be a command. */
function run(line) {
	const [, word, rest] = /^\/(\S*)\s*(.*)$/.exec(line);
	const command = fold(word), to = /^(\S+)\s+(.+)$/.exec(rest);
	if (to && ["join", "nick"].includes(command))
		typed_password = { command, name: to[1],
		    password: to[2].trimEnd() };
	if (command === "me" && rest) {
		say({ wire: line, kind: "action", text: rest.trimEnd() });
	} else if (command === "msg" && to) {
		say({ wire: line, kind: "private", to: to[1],
		    text: to[2].trimEnd() });
	} else if (command === "quit") {
		wire_leave();
	} else if (command === "join" && same(rest.trim(), me.room)) {
		show_reply(`you are in ${me.room} already`);
	} else if (["format", "wrap", "color", "time"].includes(command)) {
		show_reply(`/${command} is for other clients`);
	} else if (!wire_is_in()) {
		log.put({ kind: "error", time: new Date(),
		    text: "there is no connection to send that by" });
		compose(line);
	} else {
		wire_ask({ kind: "user", lines: [line],
		    whoami: command === "whoami" ? 1 : 0 });
	}
	if (log)
		log.to_end();
}

/* Several lines at once are text, whatever they begin with. */
function send(text) {
	const lines = text.split(/\r\n|\r|\n/).map(clean).filter(
	    (line) => line.trim());
	if (lines.length === 1 && /^\/(?!\/)/.test(lines[0]))
		run(lines[0]);
	else if (lines.length === 1 && lines[0].startsWith("//"))
		say({ wire: lines[0], kind: "message", text: lines[0].slice(1) });
	else
		for (const line of lines)
			say({ wire: line.startsWith("/") ? "/" + line : line,
			    kind: "message", text: line });
	if (state === "waiting")
		wire_open();
}

function go_to(room) {
	if (!same(room, me.room))
		run("/join " + room);
}

$("say").addEventListener("submit", (e) => {
	e.preventDefault();
	send(typed());
	box.focus();
});
$("leave").addEventListener("click", wire_leave);

/* The door. */

function show_door() {
	$("chat").hidden = true;
	$("door").hidden = false;
	document.body.classList.remove("drawer");
	for (const it of logs.values())
		it.e.remove();
	logs.clear();
	log = null;
	outbox = [];
	typed_password = null;
	unread = 0;
	ignored.clear();
	$("room").focus();
}

function wrong(field, text) {
	$(field + "-said").textContent = text;
	if (text)
		$(field).setAttribute("aria-invalid", "true");
	else
		$(field).removeAttribute("aria-invalid");
}

/* Why one didn't get in (`refused`), or is no longer in. */
function door_error(o, refused) {
	const fields = { "bad-room": "room", "too-many-rooms": "room",
	    "room-full": "room", "not-permitted": "room", "bad-name": "name",
	    "name-taken": "name" };
	let field = refused && fields[o.code];
	if (["need-password", "bad-password"].includes(o.code)) {
		field = password_wanted(o);
	} else if (field) {
		wrong(field, o.text);
	} else {
		$("door-said").textContent = o.text;
		$("door-said").hidden = false;
	}
	const e = $(field || "enter");
	e.focus();
	if (field)
		e.select();
}

/* A password is wanted, of the room or of the name: the words tell. */
function password_wanted(o) {
	const field = $("password-field");
	const of = /\broom\b/.test(o.text) ? "room" : "name";
	field.hidden = false;
	field.dataset.of = of;
	$("password").value = "";
	wrong("password", o.code === "bad-password" ? o.text :
	    `${me[of]} needs a password`);
	return "password";
}

/* Words about what is wrong already here, or "". */
function room_wrong(room) {
	if (!room)
		return "Which room? Any name will do, such as general";
	return /\s/.test(room) ? "No blanks in it, please" :
	    bytes(room) > 64 ? "That is too long" : "";
}

function name_wrong(name) {
	if (!name)
		return "Who are you?";
	return /\s/.test(name) ? "No blanks in it, please" :
	    bytes(name) > 32 ? "That is too long" : "";
}

$("join").addEventListener("submit", (e) => {
	const room = clean($("room").value).trim();
	const name = clean($("name").value).trim();
	const field = $("password-field");
	e.preventDefault();
	$("door-said").hidden = true;
	wrong("name", name_wrong(name));
	wrong("room", room_wrong(room));
	wrong("password", "");
	if (room_wrong(room) || name_wrong(name)) {
		$(room_wrong(room) ? "room" : "name").focus();
		return;
	}
	if (!same(room, me.room))
		me.room_password = "";
	if (!same(name, me.name))
		me.name_password = "";
	if (!field.hidden)
		me[field.dataset.of + "_password"] = $("password").value;
	wire_join(room, name);
});

function room_of_address() {
	try {
		return decodeURIComponent(location.hash.slice(1));
	} catch {
		return "";
	}
}

addEventListener("hashchange", () => {
	const room = room_of_address();
	if (wire_is_in() && room && !room_wrong(room))
		go_to(room);
	else if (room)
		$("room").value = room;
});

$("room").value = room_of_address() || remembered("room");
$("name").value = remembered("name");
$($("room").value ? "name" : "room").focus();
show_title();
