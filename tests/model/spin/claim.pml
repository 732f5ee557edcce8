/* SPDX-License-Identifier: MIT */
/*
 * claim.pml: the hot way of claim.h, with all that can come between two steps of it.
 *
 * Two CPUs, each with a stack of free objects (a magazine, a zone's frames) in front of
 * shared slabs.  Two threads and each CPU's interrupt take objects and give them back:
 *
 *	actor	0, 1	threads; the scheduler moves them from CPU to CPU, but not while
 *			the CPU's count is not 0
 *		2, 3	the interrupts of CPU 0, 1: from start to end the thread below stands still
 *
 * Both claims are here: cpu_claim_at_rest(), which adds, and takes back if the count was not
 * 0; and cpu_try_claim(), which tests, then adds.  Who is declined by the first goes on to the
 * second, as the hot way goes on to the slow one; or starts there.
 *
 * One step is what an interrupt cannot divide: one access to memory of this CPU's.  The slabs are one
 * step, for they have a lock, taken with interrupts off.  The model is sequentially
 * consistent; that is enough, as what is claimed is touched by one CPU, and the
 * scheduler's lock lies between a thread's steps on two.
 *
 * Asserted: S.1 nobody is given an object that somebody has; S.2 a stack is touched from
 * its own CPU only, by one actor at a time; S.3 whenever nobody is in the middle, each
 * object is in one place.
 *
 * tests/model/spin/verify runs it as it is (no error), and with each of
 *
 *	BUG_NO_TEST		nobody looks at the count
 *	BUG_EARLY_RELEASE	the claim ends before the new top is written
 *	BUG_NUMBER_FIRST	the CPU's number is read before the claim
 *	BUG_COUNT_FIRST		test and claim go to a count whose address was found before
 *	BUG_PREEMPTIBLE		the scheduler does not look at it
 *
 * in which spin must find an error.
 */
#define CPUS 2
#define THREADS 2
#ifndef IRQS
#define IRQS 1			/* CPU 0 has interrupts; 2: CPU 1, too */
#endif
#define OBJS 3
#define ROOM 2			/* of a stack */
#define NOWHERE CPUS
#define NO_THREAD THREADS

byte at[THREADS + IRQS];	/* the CPU that the actor runs on */
bool in_irq[CPUS + 1];		/* a thread that is NOWHERE stands still, too */
byte claims[CPUS];		/* the part of the CPU's count that counts them */
byte running[CPUS];		/* the thread that the CPU runs */
byte top[CPUS], stack[CPUS * ROOM];
byte slabs;			/* a bit for each object that lies there */

/* What only the assertions look at. */
byte owner[OBJS];		/* actor + 1; 0: free */
byte inside[CPUS];		/* actor + 1 that is between the first and last touch of the stack */
byte working;			/* actors in the middle of a call */

#define here at[me]
#define can_run (me >= THREADS || !in_irq[here])
#define slot(c, i) stack[(c) * ROOM + (i)]
#define bit(o) (1 << (o))
#define first(set) ((set & 1) -> 0 : ((set & 2) -> 1 : 2))

/* Whose count a claim is added to, and what the bug variants make of it. */
#ifdef BUG_COUNT_FIRST
#define count_of c
#else
#define count_of here
#endif
#ifdef BUG_NO_TEST
#define claimed false
#else
#define claimed (claims[count_of] != 0)
#endif
#define at_rest (!claimed && !in_irq[here])	/* the count, before the addition, was 0 */
#ifdef BUG_PREEMPTIBLE
#define may_switch(c) (!in_irq[c])
#else
#define may_switch(c) (!in_irq[c] && !claims[c])
#endif
inline find_early() {
#if defined(BUG_NUMBER_FIRST) || defined(BUG_COUNT_FIRST)
	c = here
#else
	skip
#endif
}
#ifdef BUG_EARLY_RELEASE
#define release_early() d_step { can_run -> claims[count_of]-- }
#define release() skip
#else
#define release_early() skip
#define release() claims[count_of]--
#endif

#ifdef HARM
#define mine true
#else
#define mine (c == here && inside[c] == me + 1)
#endif
inline touch_first() { inside[c] = (inside[c] -> 255 : me + 1); assert(mine) }
inline touch() { assert(mine) }
inline touch_last() { assert(mine); inside[c] = 0 }
inline receive() { assert(!owner[obj]); owner[obj] = me + 1; has = true }
inline give_up() { assert(owner[obj] == me + 1); owner[obj] = 0; has = false }

/* Both from the slabs at once: a stack is refilled, then popped. */
inline refill() {
	do
	:: top[c] < ROOM && slabs ->
		slot(c, top[c]) = first(slabs);
		slabs = slabs & ~bit(slot(c, top[c]));
		top[c]++
	:: else -> break
	od
}

inline flush() {
	do
	:: top[c] -> top[c]--; slabs = slabs | bit(slot(c, top[c])); slot(c, top[c]) = 0
	:: else -> break
	od
}

/* On the stack, claimed. */
inline pop() {
	d_step { can_run -> touch_first(); if :: !top[c] -> refill() :: else fi; n = top[c] };
	if
	:: n ->
		d_step { can_run -> touch(); obj = slot(c, n - 1) };
		release_early();
		d_step { can_run -> touch_last(); top[c] = n - 1; slot(c, n - 1) = 0; receive() }
	:: else -> release_early(); d_step { can_run -> touch_last() }
	fi
}

inline push() {
	d_step { can_run -> touch_first(); if :: top[c] == ROOM -> flush() :: else fi; n = top[c] };
	d_step { can_run -> touch(); slot(c, n) = obj };
	release_early();
	d_step { can_run -> touch_last(); top[c] = n + 1; give_up(); obj = 0 }
}

inline finish() {
	working--; c = 0; n = 0; may = false;
	if :: me >= THREADS -> in_irq[here] = false :: else fi
}

/* Past the stacks. */
inline slow() {
	d_step {
		can_run;
		if
		:: has -> slabs = slabs | bit(obj); give_up(); obj = 0
		:: !has && slabs -> obj = first(slabs); slabs = slabs & ~bit(obj); receive()
		:: !has && !slabs -> skip
		fi;
		finish()
	}
}

proctype actor(byte me)
{
	byte c, n, obj;
	bool has, may;

	do
	:: d_step {	/* a call, or an interrupt */
		!in_irq[here] -> working++;
		if :: me >= THREADS -> in_irq[here] = true :: else fi;
		find_early()
	   };
	   if
	   :: d_step { can_run -> may = at_rest; claims[count_of]++ };
		if
		:: !may -> d_step { can_run -> claims[count_of]-- }
		:: else
		fi
	   :: d_step { can_run }
	   fi;
	   if
	   :: !may ->
		d_step { can_run -> may = !claimed };
		if
		:: may -> d_step { can_run -> claims[count_of]++ }
		:: else
		fi
	   :: else
	   fi;
	   if
	   :: may ->
#ifndef BUG_NUMBER_FIRST
		d_step { can_run -> c = here };
#endif
		if :: has -> push() :: else -> pop() fi;
		d_step { can_run -> release(); finish() }
	   :: else -> slow()
	   fi
	od
}

proctype scheduler()
{
	byte c, t;

	do
	:: atomic {
		select(c : 0 .. CPUS - 1);
		if
		:: running[c] != NO_THREAD && may_switch(c) ->
			at[running[c]] = NOWHERE; running[c] = NO_THREAD
		:: running[c] == NO_THREAD && !in_irq[c] ->
			select(t : 0 .. THREADS - 1);
			if :: at[t] == NOWHERE -> at[t] = c; running[c] = t :: else fi
		:: else
		fi;
		c = 0; t = 0
	   }
	od
}

/* S.3.  An object in nobody's hands is in the slabs, or once on one stack. */
proctype auditor()
{
	byte o, i, places;

	do
	:: d_step {
		!working ->
		o = 0;
		do
		:: o < OBJS ->
			places = (owner[o] != 0) + ((slabs & bit(o)) != 0);
			i = 0;
			do
			:: i < CPUS * ROOM ->
				places = places + (i % ROOM < top[i / ROOM] && stack[i] == o);
				i++
			:: else -> break
			od;
			assert(places == 1);
			o++
		:: else -> break
		od;
		o = 0; i = 0; places = 0
	   }
	od
}

init {
	atomic {
		slabs = bit(OBJS) - 1;
		in_irq[NOWHERE] = true;
		at[0] = 0; at[1] = 1; at[2] = 0;
		running[0] = 0; running[1] = 1;
		run actor(0); run actor(1); run actor(2);
#if IRQS == 2
		at[3] = 1; run actor(3);
#endif
		run scheduler(); run auditor()
	}
}
