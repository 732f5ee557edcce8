/* SPDX-License-Identifier: MIT */
/*
 * depot.pml: magazines, their exchange with the depot, and draining by request.
 *
 * After Bonwick and Adams (2001): each CPU has a loaded magazine and the previous one; the
 * depot has a list of full and one of empty magazines, under a lock that is taken with
 * interrupts off.  Behind it are the slabs (one step: they have a lock of their own).
 *
 *	take	loaded, else the previous one, else a full one from the depot (the empty
 *		previous one goes there), else the loaded one is refilled from the slabs
 *	give	the same with full and empty; if the depot has no empty one, the previous
 *		one goes to the slabs
 *	drain	a CPU asks the others, which drain themselves in an interrupt; who is claimed at
 *		that moment answers "busy", and is asked again.  Then the depot is emptied.
 *
 * One thread on each CPU takes, gives and drains for ever; CPU 0 has an interrupt that takes and
 * gives, too.  (That threads move between CPUs changes nothing here: claim.pml.)
 *
 * Asserted: D.1 nobody is given an object that somebody has; D.2 who found a round, or room
 * for one, still has it a step later; D.3 whenever nobody is in the middle, each object is
 * in one place, and so is each magazine; D.4 at the end of a drain each CPU has drained itself
 * since its beginning; if nobody claimed a CPU meanwhile, all free objects are in the
 * slabs.  That nobody waits for ever in a deadlock, spin looks for unasked.
 *
 * Bug variants:
 *	BUG_NO_LOCK		the depot's lists are used without their lock
 *	BUG_DRAIN_CLAIMED	an interrupt drains a CPU that is claimed
 *	BUG_BUSY_IS_ENOUGH	who answers "busy" is not asked again
 *	BUG_REMOTE_DRAIN	the asker empties the others' magazines itself
 *	BUG_IRQS_ON		the depot's lock is taken with interrupts on
 *	BUG_ASK_LOCKED		the depot's lock is held while others are asked
 */
#define CPUS 2
#ifndef OBJS
#define OBJS 3
#endif
#define MAGS 5			/* two for each CPU, and one that begins in the depot */
#define bit(o) (1 << (o))
#define first(set) ((set & 2) -> 1 : ((set & 4) -> 2 : 3))

/*
 * A magazine has room for one round, and is the object in it; EMPTY is an empty one.  Of the
 * depot's empty ones only the number counts.
 */
#define EMPTY 0
byte loaded[CPUS], previous[CPUS];
byte stock[MAGS], fulls, empties;	/* the depot */
bool depot_lock;
byte slabs;

byte claims[CPUS];
bool in_irq[CPUS], irqs_off[CPUS];
mtype = { NOTHING, ASKED, BUSY, DONE };
mtype ask[CPUS] = NOTHING;	/* what goes to and fro between the asker and that CPU */

/* What only the assertions look at. */
byte owner[OBJS + 1];		/* actor + 1; 0: free */
byte working;			/* actors in the middle of a call */
bool drained[CPUS];		/* that CPU drained itself since the other began to ask */
bool quiet[CPUS];		/* nobody claimed a CPU since this one began to ask */

#define can_run (me >= CPUS || !in_irq[c])
#define interrupts(c) (!in_irq[c] && !irqs_off[c])
#define other (1 - c)

inline receive() { assert(!owner[obj]); owner[obj] = me + 1 }
inline give_up() { assert(owner[obj] == me + 1); owner[obj] = 0 }
inline to_slabs(o) { slabs = slabs | bit(o) & ~1 }

/* ---- the depot ---- */

#ifdef BUG_NO_LOCK
#define lock() skip
#define unlock() skip
#else
#ifdef BUG_IRQS_ON
#define irqs(off) skip
#else
#define irqs(off) if :: me < CPUS -> irqs_off[c] = off :: else fi
#endif
#define lock() d_step { can_run -> irqs(true) }; d_step { can_run && !depot_lock -> depot_lock = true }
#define unlock() d_step { can_run -> depot_lock = false; irqs(false) }
#endif

inline swap() { m = loaded[c]; loaded[c] = previous[c]; previous[c] = m; m = loaded[c] }

/* ---- taking and giving, claimed ---- */

/* The empty previous magazine for a full one, if the depot has any; that is loaded. */
inline exchange_for_full() {
	lock();
	d_step { can_run -> n = fulls };
	if
	:: n ->
		d_step { can_run -> m = stock[n - 1]; stock[n - 1] = EMPTY; fulls = n - 1; n = empties };
		d_step { can_run -> empties = n + 1; previous[c] = loaded[c]; loaded[c] = m }
	:: else
	fi;
	unlock()
}

/* The full previous magazine for an empty one. */
inline exchange_for_empty() {
	lock();
	d_step { can_run -> n = empties };
	if
	:: n ->
		d_step { can_run -> empties = n - 1; n = fulls };
		d_step { can_run -> stock[n] = previous[c]; fulls = n + 1; previous[c] = loaded[c]; loaded[c] = EMPTY; m = EMPTY }
	:: else
	fi;
	unlock()
}

inline take() {
	d_step { can_run -> if :: loaded[c] == EMPTY -> swap() :: else fi; m = loaded[c] };
	if
	:: m == EMPTY ->
		exchange_for_full();
		d_step {
			can_run ->
			if
			:: m == EMPTY && slabs -> m = first(slabs); slabs = slabs & ~bit(m); loaded[c] = m
			:: else
			fi
		}
	:: else
	fi;
	if
	:: m != EMPTY ->
		d_step {
			can_run -> assert(m == loaded[c]);	/* D.2 */
			obj = m; loaded[c] = EMPTY;
			receive()
		}
	:: else
	fi
}

inline give() {
	d_step { can_run -> if :: loaded[c] != EMPTY -> swap() :: else fi; m = loaded[c] };
	if
	:: m != EMPTY ->
		exchange_for_empty();
		d_step {
			can_run ->
			if
			:: m != EMPTY -> swap(); to_slabs(m); m = EMPTY; loaded[c] = EMPTY
			:: else
			fi
		}
	:: else
	fi;
	d_step {
		can_run -> assert(m == loaded[c]);	/* D.2 */
		loaded[c] = obj;
		give_up(); obj = 0
	}
}

/* Past the magazines. */
inline slow() {
	d_step {
		can_run;
		if
		:: obj -> to_slabs(obj); give_up(); obj = 0
		:: !obj && slabs -> obj = first(slabs); slabs = slabs & ~bit(obj); receive()
		:: !obj && !slabs -> skip
		fi
	}
}

/* ---- draining ---- */

inline drain_cpu(cpu) {
	to_slabs(loaded[cpu]); to_slabs(previous[cpu]);
	loaded[cpu] = EMPTY; previous[cpu] = EMPTY
}

inline drain_depot() {
#ifndef BUG_ASK_LOCKED
	lock();
#endif
	do
	:: fulls -> d_step { can_run -> fulls--; to_slabs(stock[fulls]); stock[fulls] = EMPTY; empties++ }
	:: else -> break
	od;
	skip;
	unlock()
}

inline drain() {
	d_step { can_run -> drained[other] = false; quiet[c] = !claims[0] && !claims[1]; drain_cpu(c) };
#ifdef BUG_ASK_LOCKED
	lock();
#endif
#ifdef BUG_REMOTE_DRAIN
	d_step { can_run -> drain_cpu(other); drained[other] = true };
#else
	do
	:: d_step { can_run -> ask[other] = ASKED };
	   d_step { can_run && ask[other] != ASKED -> m = (ask[other] == DONE); ask[other] = NOTHING };
#ifdef BUG_BUSY_IS_ENOUGH
	   m = true;
#endif
	   if :: m -> break :: else fi
	od;
#endif
	skip;
	drain_depot();
	d_step { can_run -> check_drained() }
}

/* D.4 */
inline check_drained() {
	assert(drained[other]);
	if
	:: quiet[c] ->
		m = 1;
		do
		:: m <= OBJS -> assert(owner[m] || (slabs & bit(m))); m++
		:: else -> break
		od
	:: else
	fi
}

/* Each CPU's side of it: an interrupt, one step, for the thread below stands still. */
proctype answerer(byte c)
{
	do
	:: d_step {
		interrupts(c) && ask[c] == ASKED ->
		if
#ifndef BUG_DRAIN_CLAIMED
		:: claims[c] -> ask[c] = BUSY
#endif
		:: else -> drain_cpu(c); drained[c] = true; ask[c] = DONE
		fi
	   }
	od
}

/* ---- who does it ---- */

inline claim() {
	may = !claims[c];
	if :: may -> claims[c]++; quiet[0] = false; quiet[1] = false :: else fi
}

proctype actor(byte me; byte c)
{
	byte m, n, obj;
	bool may;

	do
	:: d_step {	/* a call; or an interrupt */
		(me < CPUS -> !in_irq[c] : interrupts(c)) -> working++;
		if :: me >= CPUS -> in_irq[c] = true :: else fi;
		claim()
	   };
	   if
	   :: may ->
		if :: obj -> give() :: else -> take() fi;
		d_step { can_run -> claims[c]-- }
	   :: else -> slow()
	   fi;
	   d_step {
		can_run -> working--; m = 0; n = 0; may = false;
		if :: me >= CPUS -> in_irq[c] = false :: else fi
	   }
	:: me < CPUS && can_run -> drain(); m = 0; n = 0
	od
}

/* D.3 */
proctype auditor()
{
	byte o, i, places;

	do
	:: d_step {
		!working && !depot_lock ->
		assert(fulls + empties == MAGS - 2 * CPUS);
		o = 1;
		do
		:: o <= OBJS ->
			places = (owner[o] != 0) + ((slabs & bit(o)) != 0) + (loaded[0] == o) + (previous[0] == o) +
				 (loaded[1] == o) + (previous[1] == o);
			i = 0;
			do
			:: i < fulls -> places = places + (stock[i] == o); i++
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
		slabs = bit(OBJS + 1) - 2; empties = MAGS - 2 * CPUS;
		run actor(0, 0); run actor(1, 1); run actor(2, 0);
		run answerer(0); run answerer(1);
		run auditor()
	}
}
