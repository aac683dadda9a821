// SPDX-License-Identifier: MIT

/*
 * One's own lines, which the server doesn't send back: from being typed to
 * being known to have arrived.
 *
 * A line { wire, kind, text, to, room, state, mark, tries } is
 *
 *   queued   not given to any connection
 *   sent     given to this one, which has not answered yet
 *   doubt    given to one that broke: may have arrived or not
 *   unknown  the same, and nobody can tell any more
 *   failed   refused, or never to be sent
 *   ok       arrived
 *
 * What is queued, sent or in doubt is in the outbox.  A line is sent again
 * by itself only if it is known that it hasn't arrived; see resume.js.
 */

const LINE_MAX = 60000; /* bytes: more than the server takes in any case */
const TRIES_MAX = 3;

let outbox = [];

/* Says a line: shows it and sends it, now or when that can be done. */
function say(line) {
	line.mark = make("span", "mark");
	line.room = me.room;
	line.tries = 0;
	log.seen();
	log.put({ kind: line.kind, name: me.name, text: line.text,
	    to: line.to, time: new Date(), own: true, mark: line.mark });
	log.flush();
	log.to_end();
	outbox.push(line);
	if (bytes(line.wire) > LINE_MAX)
		line_enter(line, "failed", "that is too long");
	else
		line_enter(line, "queued");
	pump();
}

function line_enter(line, state, why) {
	const said = {
		queued: "waiting to be sent",
		sent: "", /* the style says so after a while */
		doubt: "may not have arrived",
		unknown: "may not have arrived",
		failed: `not sent: ${why}`,
		ok: "",
	};
	line.state = state;
	line.mark.className = "mark " + state;
	line.mark.replaceChildren(said[state]);
	if (["ok", "unknown", "failed"].includes(state))
		outbox = outbox.filter((it) => it !== line);
	if (state === "unknown")
		line_button(line, "Send again", line_again);
	if (state === "failed")
		line_button(line, "Edit", () => compose(
		    line.kind === "message" ? line.text : line.wire));
}

function line_button(line, text, f) {
	const button = make("button", "", text);
	button.type = "button";
	button.addEventListener("click", () => f(line));
	line.mark.append(" ", button);
}

function line_again(line) {
	if (line.kind !== "private" && !same(line.room, me.room)) {
		compose(line.kind === "message" ? line.text : line.wire);
		return;
	}
	line.tries = 0;
	outbox.push(line);
	line_enter(line, "queued");
	pump();
}

/* Sends what is queued, if this is the time. */
function pump() {
	if (!wire_is_in() || resume)
		return;
	for (const line of outbox.slice()) {
		if (line.state !== "queued")
			continue;
		if (line.kind !== "private" && !same(line.room, me.room)) {
			line_enter(line, "failed", "you have moved");
		} else if (line.tries++ === TRIES_MAX) {
			line_enter(line, "failed", "the connection breaks");
		} else {
			line_enter(line, "sent");
			wire_say(line);
		}
	}
	wire_cover();
}

/* The connection broke. */
function outbox_lost(code) {
	for (const line of outbox.slice())
		if (line.state !== "sent")
			continue;
		else if (code === 1009)
			line_enter(line, "failed", "that is too long");
		else
			line_enter(line, "doubt");
}

/* Whose fault is the error?  Of the lines that it may be about, one or none. */
function line_of_error(o, lines) {
	const open = lines.filter((line) => line.state === "sent");
	if (o.code === "too-long") {
		const most = Number((/ (\d+) bytes/.exec(o.text) || [])[1]);
		return open.find((line) => bytes(line.wire) > most);
	}
	if (o.code === "no-such-name")
		return open.find((line) => line.kind === "private");
	return open.length === 1 ? open[0] : undefined;
}

/* All the lines of a group have arrived, but those that were refused. */
function outbox_arrived(lines) {
	for (const line of lines)
		if (line.state === "sent")
			line_enter(line, "ok");
}
