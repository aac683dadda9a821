/* SPDX-License-Identifier: MIT */
/*
 * Sleep and wake-up: a worker says that it sleeps before it looks at `head` a
 * last time, a publisher commits before it looks who sleeps, and a successor
 * rings every bell, as its predecessor may have died between commit and bell.
 *
 * Each process below is a seat, publisher and reader at once.  It may die at
 * each of its steps; its successor starts at `takeover` and knows nothing but
 * what lies in shared memory, the eventfds included.  The clients talk as much
 * as they like and fall silent at some moment.  From then on whoever sleeps can
 * only be woken by a bell, and a worker that sleeps before a record it has not
 * delivered sleeps for ever, which spin reports as an invalid end state.  No
 * wait has a time limit.
 *
 * Numbers only grow, so their distance is all that matters, and of it only
 * whether it is zero: `behind` and `unseen` are exact and need no bound on the
 * number of records.
 *
 * Variants that must be found faulty, one -D each:
 *   NO_BELL_AT_TAKEOVER   the successor rings nobody
 *   BELL_OF_OWN_SEAT      the successor rings itself alone
 *   LOOK_THEN_SLEEP       no fence: `head` is read before `sleeping` is set
 *   BELL_THEN_CLEAR       the publisher rings before it clears `sleeping`
 *   BELL_THEN_COMMIT      no fence: `sleeping` is read before `head` is set
 */

#ifndef WORKERS
#define WORKERS 3
#endif
#ifndef DEATHS
#define DEATHS 2
#endif

/* Shared memory and the kernel's half of it. */
bool behind[WORKERS];	/* head > the cursor that this seat has published */
bool sleeping[WORKERS];
bool bell[WORKERS];	/* the eventfd can be read */

/* head > what this worker last loaded of it.  Private: gone when it dies. */
bool unseen[WORKERS];

bool silent = false;
byte deaths = 0;

/* One more thing that may happen instead of the next step. */
#define OR_DIE :: atomic { deaths < DEATHS -> deaths++; goto takeover }

/* head = after: everyone has something to read, the publisher too. */
inline commit()
{
	if
	:: d_step {
		for (i : 0 .. WORKERS - 1) {
			behind[i] = true;
			unseen[i] = true
		}
		i = 0
	   }
	OR_DIE
	fi
}

/*
 * Look at each word; where a worker sleeps, spare the others the bell, then
 * ring it.  The clearing may hit a later sleep than the one that was seen.
 */
inline ring_sleepers()
{
	do
	:: i < WORKERS ->
		if
		:: d_step { i == me || !sleeping[i] -> i++ }
		:: i != me && sleeping[i] ->
#ifdef BELL_THEN_CLEAR
			if
			:: bell[i] = true
			OR_DIE
			fi;
			if
			:: d_step { sleeping[i] = false; i++ }
			OR_DIE
			fi
#else
			if
			:: sleeping[i] = false
			OR_DIE
			fi;
			if
			:: d_step { bell[i] = true; i++ }
			OR_DIE
			fi
#endif
		OR_DIE
		fi
	:: else ->
		i = 0;
		break
	od
}

inline ring_all()
{
	do
	:: i < WORKERS ->
		if
		:: d_step { bell[i] = true; i++ }
		OR_DIE
		fi
	:: else ->
		i = 0;
		break
	od
}

proctype seat(byte me)
{
	byte i = 0; /* private */

	goto awake;

takeover:
	/* Nothing is known of head: the first look is still to come. */
	atomic {
		i = 0;
		unseen[me] = behind[me]
	};
#if defined(BELL_OF_OWN_SEAT)
	if
	:: bell[me] = true
	OR_DIE
	fi;
#elif !defined(NO_BELL_AT_TAKEOVER)
	ring_all();
#endif
	if
	:: sleeping[me] = false
	OR_DIE
	fi;

awake:
	/* Read the ring up to head, deliver, and say so; or serve clients. */
	if
	:: atomic { behind[me] -> unseen[me] = false };
		if
		:: d_step { behind[me] = unseen[me] }
		OR_DIE
		fi;
		goto awake
	:: atomic { !silent -> goto publish }
	:: atomic { !behind[me] -> goto drowsy }
	OR_DIE
	fi;

publish:
#ifdef BELL_THEN_COMMIT
	ring_sleepers();
	commit();
#else
	commit();
	ring_sleepers();
#endif
	goto awake;

drowsy:
	/* Say that I sleep, then look again. */
#ifndef LOOK_THEN_SLEEP
	if
	:: sleeping[me] = true
	OR_DIE
	fi;
#endif
	if
	:: atomic { behind[me] -> goto up }
	:: !behind[me]
	OR_DIE
	fi;
#ifdef LOOK_THEN_SLEEP
	if
	:: sleeping[me] = true
	OR_DIE
	fi;
#endif

asleep:
	/* epoll_wait: my bell, a client, or nothing is owed or comes. */
	if
	:: bell[me]
	:: !silent
	:: atomic { silent && !behind[me] -> goto end_rest }
	OR_DIE
	fi;

up:
	if
	:: sleeping[me] = false
	OR_DIE
	fi;
	/* Empty the eventfd, and only then look at head. */
	if
	:: bell[me] = false
	OR_DIE
	fi;
	goto awake;

end_rest:
	if
	:: atomic { behind[me] || bell[me] -> goto asleep }
	fi
}

init {
	byte i;

	atomic {
		for (i : 0 .. WORKERS - 1) {
			run seat(i)
		}
		i = 0
	};
	silent = true
}
