// SPDX-License-Identifier: MIT

/*
 * Coming into a room: what was said before, without gaps and doubles.
 *
 * Behind one's own join line the server shows the last messages, and others
 * talk meanwhile.  If the room's log has something already, all since then is
 * asked for.  Everything is collected by number until that answer has ended.
 *
 * The question begins one record early, at one that was said in this room and
 * is known: if it comes back, nothing behind it is missing either, and a line
 * of one's own that isn't there has not arrived.  Only then is it sent again.
 */

let resume = null; /* { known, anchor, found (by number), until (group) } */

/* One has come into the room of the log in sight, with that record. */
function resume_begin(o) {
	const anchor = log.anchor || log.seq;
	if (o.seq && o.seq < log.seq)
		for (const it of logs.values())
			it.seq = it.anchor = 0; /* another server: from anew */
	resume = { known: log.seq, anchor: log.anchor, found: new Map() };
	resume_note(o);
	if (log.seq > 0)
		resume.until = { kind: "history",
		    lines: [`/history since ${anchor - 1}`] };
	const who = { kind: "who", lines: ["/who"] };
	resume.until ||= who;
	if (resume.until !== who)
		wire_ask(resume.until);
	wire_ask(who);
	log.e.setAttribute("aria-busy", "true");
}

/* Takes a record; those of answers are the same ones again. */
function resume_note(o) {
	const known = resume.found.get(o.seq);
	if (!known || known.type === "reply")
		resume.found.set(o.seq, o);
}

/* The answer has ended; `o` is behind it. */
function resume_end(o) {
	const { known, anchor, found } = resume;
	const objects = [...found.values()].sort((a, b) => a.seq - b.seq);
	const whole = anchor > 0 && found.has(anchor);
	const doubts = outbox.filter((line) => line.state === "doubt" &&
	    line.kind !== "private" && same(line.room, me.room));
	resume = null;
	if (known > 0 && !whole)
		log.put({ kind: "rule", classes: "gap", time: new Date(),
		    text: "Here something may be missing" });
	for (const it of objects)
		if (it.seq > known && !doubt_solved(it, doubts))
			show_record(it, true);
	for (const line of outbox.filter((it) => it.state === "doubt"))
		line_enter(line,
		    whole && doubts.includes(line) ? "queued" : "unknown");
	log.seq = Math.max(log.seq, o.seq, ...objects.slice(-1).map(
	    (it) => it.seq));
	log.e.removeAttribute("aria-busy");
	pump();
}

/* Is it a line of one's own that was in doubt?  Then it has arrived. */
function doubt_solved(o, doubts) {
	const action = (o.kind || o.type) === "action";
	const at = !o.name || !same(o.name, me.name) ? -1 :
	    doubts.findIndex((line) => line.state === "doubt" &&
		line.text === o.text && (line.kind === "action") === action);
	if (at < 0)
		return false;
	line_enter(doubts[at], "ok");
	log.anchor = o.seq;
	return true;
}

/* The connection broke meanwhile; the next one asks again. */
function resume_lost() {
	if (resume)
		log.e.removeAttribute("aria-busy");
	resume = null;
}
