/* SPDX-License-Identifier: MIT */
/*
 * The ring: publish in batches, read without the lock, be lapped, die.
 *
 * Each process below is a seat; it publishes and reads as it likes.  A
 * publisher may die at each of its steps; its successor applies again what is
 * committed and unlocks, and may die too.  A reader that dies leaves nothing
 * behind, so only publishers die here.  The lock is taken for granted (lock.pml
 * is about it), and so is waking up (bell.pml).
 *
 * Each word of a record holds its number: the words of its descriptor, one of
 * which also says where its bytes are, and each of its bytes.  A copy of record
 * n is good if each word that was loaded is n's; the reader's checks must never
 * accept another.
 *
 * What release and acquire leave open is left open.  The two reservations are
 * raised in any order.  The words of a whole batch are stored in any order
 * between the fence and the commit: from the one to the other, and for ever if
 * the publisher dies in between, they count as torn.  (A reader that still
 * loads an old value copies what is right, so the worst that a load can give
 * covers both.)  A reader loads the words of a descriptor in any order, then
 * rsv_desc, then the bytes in any order, then rsv_bytes.  Reservations never
 * fall, so a reader that copies all and looks at both in the end accepts no
 * more than this one.
 *
 * Variants that must be found faulty, one -D each:
 *   ONE_RSV         a word for bytes alone; descriptors are checked by `head`
 *   ONE_RSV_DESC    a word for descriptors alone; bytes are checked by the end
 *                   of what is committed
 *   RSV_GOES_BACK   the next batch sets rsv_desc to its own end, even if lower
 *   RESERVE_LATE    no release fence: stores before the reservation
 *   CHECK_EARLY     no acquire fence: the reservations are read before the copy
 */

#ifndef WORKERS
#define WORKERS 3
#endif
#ifndef DEATHS
#define DEATHS 2
#endif

/*
 * How many read at the same time.  A reader stores nothing that others see, so
 * what it accepts does not depend on the other readers, and one is enough.
 */
#ifndef READERS
#define READERS 1
#endif

/* With RECORDS, so many are published; without, any number (see renumber). */
#ifdef RECORDS
#define ROOM(n) (head + n <= RECORDS)
#else
#define ROOM(n) true
#endif

#ifndef NDESC
#define NDESC 2
#endif
#ifndef NBYTES
#define NBYTES 3
#endif
#ifndef BATCH
#define BATCH 2 /* most records in a batch; each has one byte or two */
#endif

#define TORN  0
#define ID(n) ((n) + 1)

/* Shared memory. */
byte head = 0;
byte applied = 0;
byte rsv_desc = 0;
byte rsv_bytes = 0;
byte desc_of[NDESC]; /* whose descriptor: an ID, or TORN */
byte desc_at[NDESC]; /* what it says of its bytes */
byte desc_size[NDESC];
byte bytes[NBYTES];
byte owner = 0; /* the lock: 0, or a seat + 1 */

byte deaths = 0;
byte readers = 0;

/* The holder's private words: one holder at a time, so they are kept once. */
byte count;
byte size[2];
byte at[2];

/* The readers' private words; here, so that renumber() reaches them. */
byte reading[WORKERS]; /* the record */
byte from[WORKERS];    /* where its descriptor says that its bytes are */

#define ME   (me + 1)
#define N    reading[me]
#define FROM from[me]

/* Loads a reader has still to do. */
#define LOAD_NUMBER 1
#define LOAD_PLACE  2
#define LOAD_BYTE0  4
#define LOAD_BYTE1  8

#define FORGET                                                                 \
	count = 0; size[0] = 0; size[1] = 0; at[0] = 0; at[1] = 0

/* One more thing that may happen instead of the holder's next step. */
#define OR_DIE                                                                 \
	:: atomic { deaths < DEATHS -> deaths++; FORGET; goto takeover }

/* Beyond rsv_desc, or beyond rsv_bytes: once true, it stays true. */
#ifdef ONE_RSV
#define DESC_LAPPED(n) (n + NDESC <= head)
#else
#define DESC_LAPPED(n) (n + NDESC < rsv_desc)
#endif
#define BYTES_LAPPED(p) (p + NBYTES < rsv_bytes)

/* One record or two, of one byte or two, behind all that was ever reserved. */
inline choose_batch()
{
	if
	:: count = 1
	:: BATCH == 2 && ROOM(2) -> count = 2
	fi;
	if
	:: size[0] = 1
	:: size[0] = 2
	fi;
	if
	:: count == 1
	:: count == 2 -> size[1] = 1
	:: count == 2 && size[0] + 2 <= NBYTES -> size[1] = 2
	fi;
	at[0] = rsv_bytes;
	at[1] = (count == 2 -> rsv_bytes + size[0] : 0)
}

inline raise_desc()
{
#ifdef RSV_GOES_BACK
	rsv_desc = head + count
#else
	rsv_desc = (rsv_desc > head + count -> rsv_desc : head + count)
#endif
}

inline raise_bytes()
{
	rsv_bytes = at[0] + size[0] + size[1]
}

inline reserve()
{
#if defined(ONE_RSV)
	if
	:: raise_bytes()
	OR_DIE
	fi
#elif defined(ONE_RSV_DESC)
	if
	:: raise_desc()
	OR_DIE
	fi
#else
	if
	:: raise_desc();
		if
		:: raise_bytes()
		OR_DIE
		fi
	:: raise_bytes();
		if
		:: raise_desc()
		OR_DIE
		fi
	OR_DIE
	fi
#endif
}

/* All words of the batch begin to change. */
inline store_batch()
{
	if
	:: d_step {
		i = 0;
		do
		:: i < count ->
			desc_of[(head + i) % NDESC] = TORN;
			desc_at[(head + i) % NDESC] = 0;
			desc_size[(head + i) % NDESC] = 0;
			i++
		:: else -> break
		od;
		i = 0;
		do
		:: i < size[0] + size[1] ->
			bytes[(at[0] + i) % NBYTES] = TORN;
			i++
		:: else -> break
		od;
		i = 0
	   }
	OR_DIE
	fi
}

#ifndef RECORDS
/*
 * Numbers rise without end, but only their distances and their places in the
 * ring matter.  So a commit takes one round off, once they are high enough.
 * What is lapped stays lapped: a descriptor counts as torn then, a place may as
 * well be the oldest.  A record has a byte at least, so one that is further
 * behind than there are bytes is gone, and its number may be the oldest too.
 */
#define FARTHEST (NDESC > NBYTES -> NDESC : NBYTES)
#define GONE(n)	  (DESC_LAPPED(n) && n + NBYTES < head)

hidden byte off_n;
hidden byte off_p;

inline renumber()
{
	off_n = (head > NDESC + FARTHEST -> NDESC : 0);
	off_p = (rsv_bytes > 2 * NBYTES -> NBYTES : 0);
	for (i : 0 .. NDESC - 1) {
		if
		:: desc_of[i] == TORN
		:: desc_of[i] != TORN && DESC_LAPPED(desc_of[i] - 1) ->
			desc_of[i] = TORN;
			desc_at[i] = 0;
			desc_size[i] = 0
		:: else ->
			desc_of[i] = desc_of[i] - off_n;
			desc_at[i] = (BYTES_LAPPED(desc_at[i]) -> 0 :
			    desc_at[i] - off_p)
		fi
	}
	for (i : 0 .. NBYTES - 1) {
		bytes[i] = (bytes[i] == TORN || GONE(bytes[i] - 1) ->
		    TORN : bytes[i] - off_n)
	}
	for (i : 0 .. WORKERS - 1) {
		reading[i] = (GONE(reading[i]) -> 0 : reading[i] - off_n);
		from[i] = (BYTES_LAPPED(from[i]) -> 0 : from[i] - off_p)
	}
	head = head - off_n;
	applied = applied - off_n;
	rsv_desc = rsv_desc - off_n;
	rsv_bytes = rsv_bytes - off_p;
	off_n = 0;
	off_p = 0;
	i = 0
}
#endif

/* All words have their values, and head says so. */
inline commit()
{
	if
	:: d_step {
		i = 0;
		do
		:: i < count ->
			desc_of[(head + i) % NDESC] = ID(head + i);
			desc_at[(head + i) % NDESC] = at[i];
			desc_size[(head + i) % NDESC] = size[i];
			i++
		:: else -> break
		od;
		i = 0;
		do
		:: i < size[0] + size[1] ->
			bytes[(at[0] + i) % NBYTES] =
			    (i < size[0] -> ID(head) : ID(head + 1));
			i++
		:: else -> break
		od;
		i = 0;
#if defined(ONE_RSV)
		raise_desc();
#elif defined(ONE_RSV_DESC)
		raise_bytes();
#endif
		head = head + count;
		FORGET;
#ifndef RECORDS
		renumber()
#endif
	   }
	OR_DIE
	fi
}

inline apply_and_unlock()
{
	if
	:: applied = head
	OR_DIE
	fi;
	if
	:: owner = 0
	OR_DIE
	fi
}

/*
 * Load the words in any order.  Once one of them turns out to be another's,
 * the rest can't make the copy good again.
 */
inline copy_desc()
{
	left = LOAD_NUMBER | LOAD_PLACE;
	do
	:: d_step {
		left & LOAD_NUMBER ->
		left = left & ~LOAD_NUMBER;
		good = desc_of[N % NDESC] == ID(N);
		left = (good -> left : 0)
	   }
	:: d_step {
		left & LOAD_PLACE ->
		left = left & ~LOAD_PLACE;
		good = desc_of[N % NDESC] == ID(N);
		left = (good -> left : 0);
		FROM = (good -> desc_at[N % NDESC] : 0);
		two = good && desc_size[N % NDESC] == 2
	   }
	:: left == 0 -> break
	od
}

inline copy_bytes()
{
	left = LOAD_BYTE0 | (two -> LOAD_BYTE1 : 0);
	do
	:: d_step {
		left & LOAD_BYTE0 ->
		left = left & ~LOAD_BYTE0;
		good = bytes[FROM % NBYTES] == ID(N);
		left = (good -> left : 0)
	   }
	:: d_step {
		left & LOAD_BYTE1 ->
		left = left & ~LOAD_BYTE1;
		good = bytes[(FROM + 1) % NBYTES] == ID(N);
		left = (good -> left : 0)
	   }
	:: left == 0 -> break
	od
}

inline check_desc()
{
	if
	:: atomic { DESC_LAPPED(N) -> goto lapped }
	:: !DESC_LAPPED(N)
	fi
}

inline check_bytes()
{
	if
	:: atomic { BYTES_LAPPED(FROM) -> goto lapped }
	:: !BYTES_LAPPED(FROM)
	fi
}

proctype seat(byte me)
{
	byte i = 0;
	byte left = 0;	  /* loads still to come */
	bool two = false; /* the record has two bytes, not one */
	bool good = true; /* no word was another's so far */

	goto idle;

takeover:
	if
	:: owner == ME ->
		apply_and_unlock()
	:: owner != ME
	OR_DIE
	fi;

idle:
	if
	:: atomic {
		owner == 0 && ROOM(1) ->
		owner = ME;
		assert(applied == head);
		choose_batch()
	   };
#ifdef RESERVE_LATE
		store_batch();
		reserve();
#else
		reserve();
		store_batch();
#endif
		commit();
		apply_and_unlock();
		goto idle

	/* Read one of the records that may still be there. */
	:: atomic { readers < READERS && head > 0 -> readers++; N = head - 1 }
	:: atomic { readers < READERS && head > 1 -> readers++; N = head - 2 }
	fi;

#ifdef CHECK_EARLY
	check_desc();
	copy_desc();
	assert(good);
	check_bytes();
	copy_bytes();
#else
	copy_desc();
	check_desc();
	assert(good);
	copy_bytes();
	check_bytes();
#endif
	assert(good);

lapped:
	atomic {
		readers--;
		N = 0;
		FROM = 0;
		left = 0;
		two = false;
		good = true;
		goto idle
	}
}

init {
	byte i;

	atomic {
		for (i : 0 .. WORKERS - 1) {
			run seat(i)
		}
	}
}
