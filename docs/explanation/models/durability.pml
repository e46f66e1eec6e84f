/* How the log keeps an effect from being done twice: one session, two writers, killed processes and power losses.
 *
 * A run is EFFECTS effects, one after the other, none of which may be repeated. Line 2k of the log is the intent of
 * effect k, line 2k+1 its result, so a log is no more than its length. `written` lines are in the page cache, `durable`
 * of them on the disk. A killed process loses its memory; a power loss, all processes and any of what is not durable.
 *
 *   spin -a durability.pml && gcc -DSAFETY -o pan pan.c && ./pan            # no error
 *   spin -a -DM_REDO durability.pml && gcc -DSAFETY -o pan pan.c && ./pan   # a mutant: an error
 *
 * NO_LOCKS: a file system that grants a lock to anybody, while all see one another's writes at once.
 * FLUSH: nothing is synced, and the power never goes. STRICT: every line is synced. W_: a witness of what is not promised.
 */
#ifndef EFFECTS
#define EFFECTS 2
#endif
#ifndef TROUBLE
#define TROUBLE 3                          /* kills and power losses, together */
#endif
#define LINES   (2 * EFFECTS)

mtype = { LOCK, RAISE, READ, GO, SYNC, CHECK, DISPATCH, RESULT, END_SYNC, END_CHECK, STOPPED };
mtype = { nothing, known, unknown };

byte written, durable;                     /* lines: in the page cache, on the disk */
byte told;                                 /* lines that a barrier has covered, and somebody relied on */
byte appended;                             /* lines that an append returned for, since the last power loss */
bool mixed, mixed_durable;                 /* two writers' lines stand in one file: the chain shows it, reading refuses */
bool failed;                               /* a sync failed: all who have the file open are told at their next one */
byte done[EFFECTS];                        /* how often the world saw each effect */
mtype result[EFFECTS] = nothing;           /* what its line in the log says */
byte held = 0;                             /* the lock: 0 is free, else writer + 1 */
byte mark = 0, marks = 0;                  /* in the lock file, and how many were ever drawn */

mtype at[2] = LOCK;                        /* each writer's next step; */
byte tip[2], mine[2], seen[2];             /* where it thinks the log ends, the mark it wrote, what it believes durable */

#define EFFECT (tip[i] / 2)

inline append(i) {                         /* one write(): survives the process */
    if
    :: mixed || tip[i] != written -> mixed = true   /* somebody else wrote meanwhile: the chain is broken here */
    :: else ->
#ifndef M_BUFFERED
        written++;
#endif
        appended = tip[i] + 1
    fi;
    tip[i]++
}

inline sync(i) {                           /* fdatasync(): survives the power */
    skip;
#ifdef M_BUFFERED
    if :: !mixed && tip[i] > written -> written = tip[i] :: else fi;
#endif
#ifndef FLUSH
#ifdef M_TRUST_CACHE                       /* what was found at the start is taken for durable */
    if :: tip[i] != seen[i] -> durable = written :: else fi;
#else
    durable = written;
#endif
    mixed_durable = mixed
#endif
}

/* Whether the writer may go on; a barrier has returned when it says yes. */
inline check(i, next) {
    if
#ifndef M_NO_CHECK
    :: mark != mine[i] -> stop(i)
    :: else ->
#else
    :: true ->
#endif
        if :: !mixed && tip[i] > told -> told = tip[i] :: else fi;
        at[i] = next
    fi
}

inline stop(i) { if :: held == i + 1 -> held = 0 :: else fi; at[i] = STOPPED }

inline dispatch(i) {
    /* An effect that somebody sees has its intent where no crash takes it away. */
#ifndef FLUSH
    assert(mixed || durable > 2 * EFFECT);
#endif
#ifndef NO_LOCKS
    assert(held == i + 1);                 /* and nobody but the holder of the lock sends one */
#endif
#ifdef W_STALE
    assert(mark == mine[i]);               /* a witness: where locks do not work, one that passed its check may be late */
#endif
    done[EFFECT]++;
    assert(done[EFFECT] == 1)              /* no effect is done twice */
}

proctype Writer(byte i) {
end:
    do
#ifdef NO_LOCKS
    :: atomic { at[i] == LOCK -> at[i] = RAISE }
#else
    :: atomic { at[i] == LOCK && held == 0 -> held = i + 1; at[i] = RAISE }
#endif
#ifdef M_READ_FIRST
    :: atomic { at[i] == RAISE -> tip[i] = written; at[i] = READ }
    :: atomic { at[i] == READ -> marks++; mark = marks; mine[i] = mark; at[i] = GO }
#else
    :: atomic { at[i] == RAISE ->          /* from here on, whoever wrote before fails its check */
#ifdef M_SAME_MARK
        mark = 1; mine[i] = 1;
#else
        marks++; mark = marks; mine[i] = mark;
#endif
        at[i] = READ }
    :: atomic { at[i] == READ ->           /* recovery: the longest sound prefix */
        if
        :: mixed || failed -> stop(i)      /* damage is refused, and so is a disk that failed */
        :: else ->
            assert(written >= told);       /* what a barrier covered is there */
            assert(written >= appended);   /* and after a kill, every event */
#ifdef M_CUT_SHORT
            if :: written > 0 -> written--; durable = written; appended = written :: else fi;
#endif
            tip[i] = written; seen[i] = written;
#if !defined(FLUSH) && !defined(M_TRUST_CACHE)
            durable = written;             /* what others will rely on is synced first */
#endif
            at[i] = GO
        fi }
#endif
    :: atomic { at[i] == GO && tip[i] == LINES -> at[i] = END_SYNC }
    :: atomic { at[i] == GO && tip[i] < LINES && tip[i] % 2 == 1 ->
        /* An intent without a result, found by who resumes: nobody knows whether it was done. */
#if defined(M_REDO)
        at[i] = SYNC
#elif defined(M_FORGET)
        if :: !mixed && tip[i] == written -> result[EFFECT] = known :: else fi; append(i)
#else
        if :: !mixed && tip[i] == written -> result[EFFECT] = unknown :: else fi; append(i)
#endif
        }
    :: atomic { at[i] == GO && tip[i] < LINES && tip[i] % 2 == 0 ->
        /* The model is asked, and wants the next effect. */
#if defined(M_INTENT_LAST)
        at[i] = DISPATCH }
#elif defined(M_CHECK_FIRST)
        at[i] = CHECK }
    :: atomic { at[i] == CHECK -> check(i, SYNC) }
    :: atomic { at[i] == SYNC && !failed -> append(i); sync(i); at[i] = DISPATCH }
#else
        append(i);
#ifdef STRICT
        if :: !failed -> sync(i) :: else fi;
#endif
#ifdef M_NO_BARRIER
        at[i] = DISPATCH }
#else
        at[i] = SYNC }
    :: atomic { at[i] == SYNC && !failed -> sync(i); at[i] = CHECK }
#ifndef FLUSH
    :: atomic { at[i] == SYNC -> failed = true;              /* the disk fails: */
#ifdef M_ERROR_IGNORED
        at[i] = CHECK }
#else
        stop(i) }                          /* the log is poisoned, nothing follows */
#endif
#endif
    :: atomic { at[i] == CHECK -> check(i, DISPATCH) }
#endif
#endif
#ifdef M_RESULT_FIRST
    :: atomic { at[i] == DISPATCH -> at[i] = RESULT;
        if :: !mixed && tip[i] == written -> result[EFFECT] = known :: else fi; append(i) }
    :: atomic { at[i] == RESULT -> tip[i]--; dispatch(i); tip[i]++; at[i] = GO }
#else
    :: atomic { at[i] == DISPATCH -> dispatch(i);
#ifdef M_INTENT_LAST
        append(i);
#endif
        at[i] = RESULT }
    :: atomic { at[i] == RESULT ->
        if :: !mixed && tip[i] == written -> result[EFFECT] = known :: else fi;
        append(i); at[i] = GO }
#endif
    :: atomic { at[i] == END_SYNC && failed -> stop(i) }
    :: atomic { at[i] == END_SYNC && !failed -> sync(i); at[i] = END_CHECK }
    :: atomic { at[i] == END_CHECK -> check(i, STOPPED);
        if :: held == i + 1 -> held = 0 :: else fi }
    od
}

/* Whatever the log says is true, at every moment. */
#define TRUE_OF(k) (result[k] != known || done[k] == 1)

inline forget_what_is_lost() {
    byte k = 0;
    do
    :: k < EFFECTS -> if :: written < 2 * k + 2 -> result[k] = nothing :: else fi; k++
    :: k >= EFFECTS -> break
    od;
    k = 0
}

proctype World() {
    byte left = TROUBLE, i;
end:
    do
    :: atomic { left > 0 -> left--;        /* a process is killed, and somebody starts it again */
        if :: i = 0 :: i = 1 fi;
        if :: held == i + 1 -> held = 0 :: else fi;
        at[i] = LOCK; tip[i] = 0; mine[i] = 0; seen[i] = 0 }
#if !defined(FLUSH) || defined(W_POWER)
    :: atomic { left > 0 -> left--;        /* the power goes: any part of what no sync covered is gone */
        do :: written > durable -> written-- :: break od;
        appended = written;
        forget_what_is_lost();
        held = 0; mixed = mixed_durable; failed = false;
        for (i : 0 .. 1) { at[i] = LOCK; tip[i] = 0; mine[i] = 0; seen[i] = 0 } }
#endif
    :: atomic { !(TRUE_OF(0) && TRUE_OF(EFFECTS - 1)) -> assert(false) }
    od
}

init { atomic { run Writer(0); run Writer(1); run World() } }
