/* SPDX-License-Identifier: MIT */
/*
 * shootdown.pml: a CPU that waits for the others, while they wait for a lock, or for it.
 *
 * Three CPUs, for ever, each one of
 *
 *	lock	interrupts off, draw a ticket, wait until it is served, leave (spinlock.h)
 *	flush	change a translation that all may remember, ask the others in an interrupt to
 *		forget it, wait for their answers.  No lock of mm/ is held; interrupts may be off,
 *		so who waits here serves what it is asked itself
 *
 * Asserted: L.1 one CPU at a time holds the lock; L.2 when a flush returns nobody remembers the
 * old translation.  That nobody waits for ever, spin looks for unasked.
 *
 * Bug variants:
 *	BUG_DEAF		who waits for answers, interrupts off, serves nobody
 *	BUG_UNDER_LOCK		a flush while the lock is held
 *	BUG_ANSWER_FIRST	a CPU answers, then forgets
 *	BUG_NO_TICKET		the lock is free, and then it is taken: two steps
 */
#define CPUS 3
#define from_to(a, c) ((a) * CPUS + (c))

byte next_ticket, owner;		/* modulo 4: more than there are CPUs */
byte holders;				/* for L.1 */
bool irqs_off[CPUS];
bool asked[CPUS * CPUS];		/* asked[from_to(a, c)]: @c has not answered @a */
bool stale[CPUS * CPUS];		/* @c may remember what @a changed */

#define any_asks(c) (asked[from_to(0, c)] || asked[from_to(1, c)] || asked[from_to(2, c)])
#define any_asked_by(c) (asked[from_to(c, 0)] || asked[from_to(c, 1)] || asked[from_to(c, 2)])

inline forget(c) { stale[from_to(0, c)] = false; stale[from_to(1, c)] = false; stale[from_to(2, c)] = false }
inline answer(c) { asked[from_to(0, c)] = false; asked[from_to(1, c)] = false; asked[from_to(2, c)] = false }

#ifdef BUG_ANSWER_FIRST
inline serve(c, may) { d_step { may && any_asks(c) -> answer(c) }; d_step { forget(c) } }
#else
inline serve(c, may) { d_step { may && any_asks(c) -> forget(c); answer(c) } }
#endif

inline ask_all() {
	do
	:: i < CPUS ->
		if
		:: i != c -> stale[from_to(c, i)] = true; asked[from_to(c, i)] = true
		:: else
		fi;
		i++
	:: else -> break
	od;
	i = 0
}

inline flush() {
	d_step { ask_all() };
	do
#ifndef BUG_DEAF
	:: serve(c, true)
#endif
	:: d_step {
		!any_asked_by(c) ->
		assert(!stale[from_to(c, 0)] && !stale[from_to(c, 1)] && !stale[from_to(c, 2)])
	   };
	   break
	od
}

inline lock() {
#ifdef BUG_NO_TICKET
	d_step { next_ticket == owner -> mine = owner };
	d_step { next_ticket = (mine + 1) % 4 };
#else
	d_step { mine = next_ticket; next_ticket = (next_ticket + 1) % 4 };
	owner == mine;
#endif
	holders++
}

inline unlock() {
	d_step { holders--; owner = (owner + 1) % 4; mine = 0 }
}

proctype cpu(byte c)
{
	byte mine, i;

	do
	:: irqs_off[c] = true;
	   lock();
	   assert(holders == 1);
#ifdef BUG_UNDER_LOCK
	   flush();
#endif
	   unlock();
	   irqs_off[c] = false
	:: irqs_off[c] = true; flush(); irqs_off[c] = false
	:: flush()
	od
}

/* Its interrupt.  It may come in the middle of a flush with interrupts on. */
proctype interrupt(byte c)
{
	do
	:: serve(c, !irqs_off[c])
	od
}

init {
	atomic {
		run cpu(0); run cpu(1); run cpu(2);
		run interrupt(0); run interrupt(1); run interrupt(2)
	}
}
