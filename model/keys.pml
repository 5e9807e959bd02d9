/* The life of the handover keys between one mobile node and one access router (RFC 5269): asked
 * for, stored, sealed and sent, used in FBUs, renewed, ended; with the loss of messages, a store
 * that fails, kill -9 of either end, and an attacker who hears everything.
 *
 * The states of the machines change only by the rows of transitions.tsv, which tools/model makes
 * record_moves, number_moves and held_moves of; tests/model drives the real machines through the
 * same rows. docs/model.md says what is left out.
 *
 * Settings (-D): TICKS of the clock; FAULTS messages lost, timers early, writes refused; KILLS of
 * the router, AMNESIAS (its store is gone, too), NODE_KILLS; LEAVES of the link; FBUS that the node
 * sends; ATTACKS.
 */
#include "tables.pml"

#ifndef TICKS
#define TICKS 0
#endif
#ifndef FAULTS
#define FAULTS 0
#endif
#ifndef KILLS
#define KILLS 0
#endif
#ifndef AMNESIAS
#define AMNESIAS 0
#endif
#ifndef NODE_KILLS
#define NODE_KILLS 0
#endif
#ifndef LEAVES
#define LEAVES 0
#endif
#ifndef FBUS
#define FBUS 1
#endif
#ifndef ATTACKS
#define ATTACKS 0
#endif

/* Each of these breaks a promise. */
#ifndef SIGNATURES_DO_NOT_COUNT
#define SIGNATURES_DO_NOT_COUNT false
#endif
#ifndef NONCES_DO_NOT_COUNT
#define NONCES_DO_NOT_COUNT false
#endif
#ifndef RESTORED_ANEW
#define RESTORED_ANEW false
#endif
#ifndef CEILINGS_DO_NOT_COUNT
#define CEILINGS_DO_NOT_COUNT false
#endif
#ifndef KEPT_IS_ENOUGH
#define KEPT_IS_ENOUGH false
#endif
#ifndef FOLLOWS_AT_ONCE
#define FOLLOWS_AT_ONCE false
#endif
#ifndef UNSTORED_IS_STORED
#define UNSTORED_IS_STORED false
#endif
#ifndef ANY_KEY_WILL_DO
#define ANY_KEY_WILL_DO false
#endif
#ifndef SILENCE_IS_FINE
#define SILENCE_IS_FINE false
#endif

#define KEYS 4      /* ever made */
#define LIFE 3      /* ticks; in its last one a key is due for another */
#define BLOCK 2     /* numbers that a stored ceiling reserves */
#define NUMBERS 18
#define SPACE 2

#define OWNER 1
#define STRANGER 2
#define KEY 1       /* what is written */
#define CEILING 2
#define FOLLOWED 1  /* what an FBU is answered */
#define OLD 2
#define NO 3

byte ticks = TICKS;
byte faults = FAULTS;
byte kills = KILLS;
byte amnesias = AMNESIAS;
byte node_kills = NODE_KILLS;
byte leaves = LEAVES;
byte fbus = FBUS;
byte attacks = ATTACKS;

/* The router. Keys are known by the order in which they were made; 0 is none. */
byte record;            /* machine */
byte newest, older;
byte made;
byte life[KEYS + 1];    /* ticks left, as the router has it */
byte truth[KEYS + 1];   /* the same, as it is */
byte seen;              /* the Nonce of the last request that counted; 0 after a restart */
byte waiting;           /* the Nonce that an answer is owed once the key is stored */
byte sent_nonce, sent_key; /* the answer that would be repeated */
byte numbers[KEYS + 1]; /* machine, one for each key */
byte last[KEYS + 1];    /* number of the last FBU under it, or restored ceiling */
byte ceiling[KEYS + 1];
bool on_disk[KEYS + 1];
byte disk_ceiling[KEYS + 1];

/* The node. */
byte held;              /* machine */
byte mine, left;        /* its key, and the ticks that it has */
byte coming, coming_left; /* the one that is being stored */
byte nonce;             /* of its last request */
byte age;               /* ticks since that */
bool tried;             /* that was sent again */
bool late;              /* it has asked for another since the clock moved */
bool away;
bool wanted;            /* an FBU stayed without answer */
bool checked;           /* the key was used since anything could have happened to it */
byte number;            /* of its last FBU */
byte promised;          /* ceiling on its disk */
byte outstanding;       /* FBU that it waits for */
byte disk_mine, disk_left;

chan request[1] = [SPACE] of { byte, byte };          /* Nonce, signer */
chan answer[1] = [SPACE] of { byte, byte, byte, byte };/* Nonce, key, ticks, signer */
chan fbu[1] = [SPACE] of { byte, byte };              /* key, number */
chan fback[1] = [SPACE] of { byte, byte, byte };      /* what, key, number */
chan disk = [3] of { byte, byte, byte };              /* what, key, its ceiling */
chan waits = [3] of { byte, byte };                   /* FBUs for their ceiling: key, number */
byte pending;                                         /* writes that they wait for */
bool failed;                                          /* one of those did */

byte heard_key, heard_number; /* an FBU, a request, an answer that the attacker kept */
byte heard_request;
byte heard_nonce, heard_answer, heard_left;
bool followed[(KEYS + 1) * NUMBERS];

#define has_key (held != HELD_NONE && held != HELD_ASKING && held != HELD_STORING)
#define asks (held == HELD_ASKING || held == HELD_RENEWING || held == HELD_KEPT_ASKING)
#define stores (held == HELD_STORING || held == HELD_RESTORING || held == HELD_KEPT_STORING)
#define live(k) (k != 0 && (k == newest || k == older) && life[k] > 0)
#define quiet (len(request[0]) == 0 && len(answer[0]) == 0 && len(fbu[0]) == 0 && len(fback[0]) == 0 && len(disk) == 0 && pending == 0 && !stores)
#define runs_out (quiet || faults > 0)

inline early() { if :: !quiet -> faults-- :: else fi }

/* ---- the router ---- */

inline act_on_record(n, signer) {
  if
  :: (deeds & DO_PERSIST) && newest != 0 && event == ON_REQUEST ->
     assert(signer == OWNER); /* no-state-for-the-unverified */
     older = newest; make_key()
  :: (deeds & DO_PERSIST) && newest == 0 && event == ON_REQUEST ->
     assert(signer == OWNER); /* no-state-for-the-unverified */
     make_key()
  :: else
  fi;
  if :: event == ON_REQUEST && record != RECORD_LIVE && record != RECORD_TWO -> waiting = n :: else fi;
  if
  :: (deeds & DO_ANSWER) && event == ON_REQUEST -> reply(n)
  :: (deeds & DO_ANSWER) && event == ON_STORED && waiting != 0 -> reply(waiting); waiting = 0
  :: (deeds & DO_ANSWER) && event == ON_REQUEST_REPEAT && n == sent_nonce && live(sent_key) ->
     if :: len(answer[0]) < SPACE -> answer[0]!sent_nonce, sent_key, life[sent_key], OWNER :: else fi
  :: else
  fi;
  if
  :: event == ON_NOT_STORED -> newest = older; older = 0; waiting = 0
  :: else
  fi
}

inline make_key() {
  assert(made < KEYS); /* the-model-is-large-enough */
  made++;
  newest = made;
  life[made] = LIFE; truth[made] = LIFE;
  numbers[made] = NUMBER_OPEN;
  ceiling[made] = BLOCK; /* the first block is stored with the key */
  disk!KEY, made, BLOCK
}

inline reply(n) {
  sent_nonce = n; sent_key = newest;
  if
  :: len(answer[0]) < SPACE -> answer[0]!n, newest, life[newest], OWNER
  :: else
  fi;
  if
  :: ATTACKS > 0 && heard_answer == 0 -> heard_nonce = n; heard_answer = newest; heard_left = life[newest]
  :: true
  fi
}

inline judge_fbu(k, n) {
  if
  :: !live(k) && !(ANY_KEY_WILL_DO && newest != 0) -> k = 0
  :: !live(k) && ANY_KEY_WILL_DO && newest != 0 -> event = ON_FBU
  :: live(k) && n == last[k] -> event = ON_FBU_REPEAT
  :: live(k) && n < last[k] -> event = ON_FBU_STALE
  :: live(k) && n > last[k] && n > ceiling[k] -> event = ON_FBU_BEYOND
  :: live(k) && n > last[k] && n <= ceiling[k] -> event = ON_FBU
  fi;
  if
  :: event == ON_FBU_BEYOND -> last[k] = n; ceiling[k] = n + BLOCK
  :: event == ON_FBU -> last[k] = n
  :: else
  fi
}

inline say(what, k, n) {
  if :: len(fback[0]) < SPACE -> fback[0]!what, k, n :: else fi
}

inline follow(k, n) {
  assert(k != 0); /* only-the-owner-moves */
  assert(!followed[k * NUMBERS + n]); /* no-fbu-twice */
  followed[k * NUMBERS + n] = true;
  say(FOLLOWED, k, n)
}

inline wait_with(k, n) {
  if
  :: nfull(waits) -> waits!k, n
  :: full(waits) -> say(NO, k, n)
  fi
}

/* An FBU: while something of its owner is being stored, it waits as well. */
inline act_on_number(k, n) {
  if
  :: deeds & DO_FOLLOW && pending == 0 -> follow(k, n)
  :: deeds & DO_FOLLOW && pending > 0 -> wait_with(k, n)
  :: event == ON_FBU && deeds == 0 && k != 0 && !FOLLOWS_AT_ONCE -> wait_with(k, n)
  :: event == ON_FBU && deeds == 0 && k != 0 && FOLLOWS_AT_ONCE -> follow(k, n)
  :: deeds & DO_STALE -> say(OLD, k, last[k])
  :: (deeds & DO_PERSIST) && k != 0 ->
     if
     :: event == ON_FBU -> ceiling[k] = n + BLOCK
     :: else
     fi;
     if
     :: nfull(disk) -> disk!CEILING, k, ceiling[k]; pending++; wait_with(k, n)
     :: full(disk) -> say(NO, k, n)
     fi
  :: else
  fi
}

/* The last of the writes that they wait for is done. */
inline ceilings_stored() {
  k = 1;
  do
  :: k <= made ->
     if
     :: numbers[k] == NUMBER_RESERVING ->
        event = (failed -> ON_NOT_STORED : ON_STORED);
        number_moves(numbers[k], event, deeds)
     :: else
     fi;
     k++
  :: else -> break
  od;
  do
  :: nempty(waits) -> waits?k, n;
     if
     :: failed -> say(NO, k, n)
     :: !failed && live(k) -> follow(k, n)
     :: !failed && !live(k)
     fi
  :: empty(waits) -> break
  od;
  failed = false
}

/* What the store has now. */
inline write(k, top) {
  on_disk[k] = true;
  if :: top > disk_ceiling[k] -> disk_ceiling[k] = top :: else fi
}

inline restore(k) {
  if
  :: k != 0 && RESTORED_ANEW -> life[k] = LIFE
  :: else
  fi;
  if
  :: k != 0 ->
     number_moves(numbers[k], ON_RESTART, deeds);
     ceiling[k] = disk_ceiling[k];
     last[k] = (CEILINGS_DO_NOT_COUNT -> 0 : disk_ceiling[k])
  :: else
  fi
}

inline forget_waits() {
  do
  :: nempty(waits) -> waits?_, _
  :: empty(waits) -> break
  od;
  pending = 0; failed = false
}

/* kill -9: what was asked of the store may be there or not, in its order. */
inline kill_router() {
  event = ON_RESTART;
  do
  :: nempty(disk) -> disk?what, k, top; write(k, top)
  :: nempty(disk) -> break
  :: empty(disk) -> break
  od;
  do
  :: nempty(disk) -> disk?what, _, _;
     if :: what == KEY -> event = ON_RESTART_BEFORE :: else fi
  :: empty(disk) -> break
  od;
  record_moves(record, event, deeds);
  if :: event == ON_RESTART_BEFORE -> newest = older; older = 0 :: else fi;
  seen = 0; waiting = 0; sent_nonce = 0; sent_key = 0;
  forget_waits();
  restore(newest);
  restore(older);
  deeds = 0; event = 0
}

active proctype Router() {
  byte event, n, signer, k, what, top;
  int deeds;
end:
  do
  :: atomic { request[0]?n, signer ->
       if
       :: signer != OWNER && !SIGNATURES_DO_NOT_COUNT -> event = ON_REQUEST_FORGED
       :: signer != OWNER && SIGNATURES_DO_NOT_COUNT -> event = ON_REQUEST
       :: signer == OWNER && n > seen -> event = ON_REQUEST; seen = n
       :: signer == OWNER && n <= seen -> event = ON_REQUEST_REPEAT
       fi;
       record_moves(record, event, deeds);
       act_on_record(n, signer);
       event = 0; n = 0; signer = 0; deeds = 0 }
  :: atomic { fbu[0]?k, n ->
       judge_fbu(k, n);
       number_moves(numbers[k], event, deeds);
       act_on_number(k, n);
       event = 0; n = 0; k = 0; deeds = 0 }
  :: atomic { disk?what, k, top ->
       if
       :: write(k, top); event = ON_STORED
       :: faults > 0 -> faults--; event = ON_NOT_STORED
       fi;
       if
       :: what == KEY -> record_moves(record, event, deeds); act_on_record(0, OWNER)
       :: what == CEILING ->
          if
          :: event == ON_NOT_STORED && !UNSTORED_IS_STORED -> failed = true
          :: else
          fi;
          pending--;
          if
          :: pending == 0 -> ceilings_stored()
          :: else
          fi
       fi;
       event = 0; n = 0; k = 0; what = 0; top = 0; deeds = 0 }
  :: atomic { kills > 0 -> kills--; kill_router(); n = 0; k = 0; what = 0; top = 0 }
  :: atomic { amnesias > 0 -> amnesias--;
       do
       :: nempty(disk) -> disk?_, _, _
       :: empty(disk) -> break
       od;
       record_moves(record, ON_RESTART_EMPTY, deeds);
       newest = 0; older = 0; seen = 0; waiting = 0; sent_nonce = 0; sent_key = 0; deeds = 0;
       forget_waits();
       checked = false }
  od
}

/* ---- the node ---- */

inline ask() {
  event = ON_ASK;
  nonce++;
  age = 0;
  tried = false;
  wanted = false;
  held_moves(held, event, deeds);
  send_request();
  event = 0; deeds = 0
}

inline send_request() {
  if :: len(request[0]) < SPACE -> request[0]!nonce, OWNER :: else fi;
  if :: ATTACKS > 0 && heard_request == 0 -> heard_request = nonce :: true fi
}

/* A key that ended is gone; one that left with the link, or waits for its record, comes after it. */
inline ended() {
  held_moves(held, ON_EXPIRY, deeds);
  if :: disk_mine == mine -> disk_mine = 0 :: else fi;
  mine = 0; left = 0; outstanding = 0; deeds = 0
}

active proctype Node() {
  byte event, what, k, n, t, signer;
  int deeds;
end:
  do
  /* It asks when it comes, before its key ends, and when the router seems to have forgotten it. */
  :: atomic { !away && !asks && !stores && quiet && outstanding == 0 &&
              (held == HELD_NONE || held == HELD_KEPT && !KEPT_IS_ENOUGH || left <= 1 && !late || wanted) ->
              late = true; ask() }
  :: atomic { asks && runs_out && !tried -> early(); tried = true; send_request() }
  :: atomic { asks && runs_out && tried -> early(); held_moves(held, ON_SILENCE, deeds); deeds = 0;
       checked = false /* it will ask, or use its key, another time */ }
  :: atomic { answer[0]?n, k, t, signer ->
       if
       :: !away && asks && (n == nonce || NONCES_DO_NOT_COUNT) && signer == OWNER && t > age ->
          held_moves(held, ON_ANSWER, deeds);
          coming = k; coming_left = t - age
       :: else
       fi;
       n = 0; k = 0; t = 0; signer = 0; deeds = 0 }
  :: atomic { stores && coming_left > 0 -> /* the record stands, or cannot be had: it is used all the same */
       held_moves(held, ON_STORED, deeds);
       disk_mine = coming; disk_left = coming_left;
       if
       :: coming != mine -> number = 0; promised = BLOCK; outstanding = 0
       :: else
       fi;
       mine = coming; left = coming_left; coming = 0; coming_left = 0; deeds = 0; checked = false }
  :: atomic { stores && coming_left == 0 ->
       held_moves(held, ON_STORED_LATE, deeds); coming = 0; disk_mine = 0; deeds = 0 }
  :: atomic { leaves > 0 && !away -> leaves--; away = true;
       held_moves(held, ON_LEAVE, deeds);
       coming = 0; coming_left = 0; deeds = 0 }
  :: atomic { away && quiet -> away = false }
  /* An FBU, as long as it likes; and one at the end, when nothing else will show that its key is
   * no good any more. */
  :: atomic { has_key && outstanding == 0 && left > 0 && (fbus > 0 || (quiet && !checked)) ->
       if :: fbus > 0 -> fbus-- :: else fi;
       number++;
       assert(number < NUMBERS); /* the-model-is-large-enough */
       if :: number > promised -> promised = number + BLOCK :: else fi;
       outstanding = number;
       checked = true;
       if :: len(fbu[0]) < SPACE -> fbu[0]!mine, number :: else fi;
       if :: ATTACKS > 0 && heard_key == 0 -> heard_key = mine; heard_number = number :: true fi }
  :: atomic { outstanding != 0 && runs_out -> early(); outstanding = 0; wanted = !SILENCE_IS_FINE }
  :: atomic { fback[0]?what, k, n ->
       if
       :: outstanding == 0 || k != mine || !has_key
       :: else ->
          if
          :: what == OLD && n >= number -> number = n; outstanding = 0; checked = false
          :: what == OLD && n < number
          :: what != OLD && n == outstanding -> outstanding = 0
          :: what != OLD && n != outstanding
          fi
       fi;
       what = 0; k = 0; n = 0 }
  :: atomic { node_kills > 0 -> node_kills--;
       if
       :: coming != 0 -> held_moves(held, ON_RESTART, deeds); disk_mine = coming; disk_left = coming_left; promised = (coming == mine -> promised : BLOCK); mine = coming; left = coming_left
       :: coming != 0 -> held_moves(held, ON_RESTART_BEFORE, deeds); mine = disk_mine; left = disk_left
       :: coming == 0 -> held_moves(held, ON_RESTART, deeds); mine = disk_mine; left = disk_left
       fi;
       number = promised; outstanding = 0; wanted = false; coming = 0; coming_left = 0; deeds = 0;
       if :: !has_key -> mine = 0; left = 0 :: else fi }
  od
}

/* ---- the world ---- */

inline shorter(ticks_left) { if :: ticks_left > 0 -> ticks_left-- :: else fi }

active proctype Clock() {
  byte k;
  int deeds;
end:
  do
  /* A store is quick, where keys live for hours. */
  :: atomic { ticks > 0 && len(disk) == 0 ->
       ticks--;
       k = 1;
       do
       :: k <= made -> shorter(truth[k]); shorter(life[k]); k++
       :: else -> break
       od;
       k = 0;
       age++; late = false;
       if
       :: older != 0 && life[older] == 0 -> record_moves(record, ON_EXPIRY, deeds); older = 0
       :: else
       fi;
       if
       :: newest != 0 && life[newest] == 1 -> record_moves(record, ON_AGEING, deeds)
       :: newest != 0 && life[newest] == 0 -> record_moves(record, ON_EXPIRY, deeds); newest = 0
       :: else
       fi;
       deeds = 0;
       shorter(left); shorter(coming_left); shorter(disk_left);
       if :: disk_left == 0 -> disk_mine = 0 :: else fi;
       if
       :: mine != 0 && left == 0 && has_key -> ended()
       :: else
       fi }
  od
}

#if FAULTS > 0
active proctype Loss() {
end:
  do
  :: atomic { faults > 0 && len(request[0]) > 0 -> faults--; request[0]?_, _ }
  :: atomic { faults > 0 && len(answer[0]) > 0 -> faults--; answer[0]?_, _, _, _ }
  :: atomic { faults > 0 && len(fbu[0]) > 0 -> faults--; fbu[0]?_, _ }
  :: atomic { faults > 0 && len(fback[0]) > 0 -> faults--; fback[0]?_, _, _ }
  od
}
#endif

#if ATTACKS > 0
active proctype Attacker() {
end:
  do
  :: atomic { attacks > 0 && len(request[0]) < SPACE -> attacks--; request[0]!99, STRANGER }
  :: atomic { attacks > 0 && len(request[0]) < SPACE && heard_request != 0 -> attacks--; request[0]!heard_request, OWNER }
  :: atomic { attacks > 0 && len(answer[0]) < SPACE -> attacks--; answer[0]!nonce, KEYS, LIFE, STRANGER }
  :: atomic { attacks > 0 && len(answer[0]) < SPACE && heard_answer != 0 -> attacks--; answer[0]!heard_nonce, heard_answer, heard_left, OWNER }
  :: atomic { attacks > 0 && len(fbu[0]) < SPACE -> attacks--; fbu[0]!0, NUMBERS - 1 }
  :: atomic { attacks > 0 && len(fbu[0]) < SPACE && heard_key != 0 -> attacks--; fbu[0]!heard_key, heard_number }
  od
}
#endif

/* What must not be at any moment; only a broken promise can take a step here. */
active proctype Watch() {
end:
  do
  :: atomic { mine != 0 && left > truth[mine] ->
              assert(false) } /* no-key-outlives-its-lifetime */
  :: atomic { newest != 0 && life[newest] > truth[newest] ->
              assert(false) } /* no-key-outlives-its-lifetime */
  :: atomic { older != 0 && life[older] > truth[older] ->
              assert(false) } /* no-key-outlives-its-lifetime */
  :: atomic { timeout ->
     assert(!away && held == HELD_LIVE); /* keys-agree */
     assert(live(mine)); /* keys-agree */
     break }
  od
}

ltl requests_end { [] (asks -> <> !asks) }
