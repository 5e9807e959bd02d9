/* A mobile node between two access routers, each of which is previous router for the address that
 * the node has on its link, and new router for the same address when the node comes (RFC 5568).
 *
 * The states of the three machines change only by the rows of transitions.tsv, which tools/model
 * makes the inlines par_moves, nar_moves and node_moves of; tests/model drives the real machines
 * through the same rows. What is written here is the world around them: messages and their loss,
 * numbers, packets, buffers, moves, an attacker. docs/model.md says what is left out.
 *
 * Settings (-D): MOVES changes of link at most; FAULTS messages lost and timers early;
 * REFUSALS steps that the host or somebody else's claim makes fail; ATTACKS messages of an attacker; NAR_MAY_FAIL: a router refuses every HI, is silent, or restarts;
 * ABRUPT: the node also moves without order; PACKETS that somebody sends to its first address;
 * KEYS_FROM 1: only the first router gives keys; RENEWALS of bindings; SPACE of a channel.
 */
#include "tables.pml"

#ifndef MOVES
#define MOVES 1
#endif
#ifndef FAULTS
#define FAULTS 0
#endif
#ifndef REFUSALS
#define REFUSALS 0
#endif
#ifndef ATTACKS
#define ATTACKS 0
#endif
#ifndef PACKETS
#define PACKETS 1
#endif
#ifndef KEYS_FROM
#define KEYS_FROM 2
#endif
#ifndef RENEWALS
#define RENEWALS 1
#endif

/* Each of these breaks a promise. */
#ifndef ANY_KEY_WILL_DO
#define ANY_KEY_WILL_DO false
#endif
#ifndef ANY_FBACK_WILL_DO
#define ANY_FBACK_WILL_DO false
#endif
#ifndef NUMBERS_DO_NOT_COUNT
#define NUMBERS_DO_NOT_COUNT false
#endif
#ifndef ANY_LINK_ADDRESS_WILL_DO
#define ANY_LINK_ADDRESS_WILL_DO false
#endif
#ifndef NEVER_DISCARDS
#define NEVER_DISCARDS false
#endif
#ifndef BINDINGS_END
#define BINDINGS_END true
#endif

#ifndef SPACE
#define SPACE 3
#endif
#define NOWHERE 2
#define MAX_NUMBER 14

/* What an FBU asks. */
#define UPDATE 1
#define END 2
/* What an FBack says. */
#define ACCEPTED 1
#define REFUSED 2
#define ENDED 3
#define STALE 4
/* Who made a message, or is in a neighbour entry. */
#define OWNER 1
#define STRANGER 2
/* Where a packet is. */
#define UNSENT 0
#define TUNNEL 1
#define HELD 2
#define DELIVERED 3
#define LOST 4

byte at = 0;        /* the link that the node is on */
byte going = NOWHERE;
byte moves = MOVES;
byte orders = MOVES + 1;
byte faults = FAULTS;
byte refusals = REFUSALS;
byte attacks = ATTACKS;
byte renewals = RENEWALS;
byte restarts = 0;

byte node[2];       /* the node's movement away from each router */
bool key[2];        /* it holds a key that this router delivered on the link it is on */
byte generation[2]; /* of the router's key; 0: it never gave one */
byte held[2];       /* the generation that the node holds */
byte number[2];     /* of the node's last FBU */
byte first[2];      /* of the FBUs that its movement waits with */
byte asked[2];      /* what those ask */
bool resynchronised[2];

byte par[2];
byte last[2];       /* the number of the last FBU followed */
byte owed[2];       /* its number, to whom the handover under way owes an FBack */
bool owed_here[2];  /* its FBU came from the previous link */
byte next_number[2];
bool next_here[2];
byte said[2];       /* in the last FBack */
bool said_here[2];
byte question[2];   /* the number of the last HI */
bool reactive[2];   /* its code */
bool repeated[2];   /* it was sent twice: the next silence is the last */

byte nar[2];
byte answers[2];    /* the HI that the arrival answers */
bool buffer[2];     /* is open */
byte neighbour[2];  /* whom the entry is of */
bool refuses[2];
bool dead[2];

byte packet[3];     /* index 1 … PACKETS */
byte holder[3];

chan fbu[2] = [SPACE] of { byte, byte, bool, byte };     /* number, UPDATE or END, from here, key */
chan fback[2] = [SPACE] of { byte, byte, bool, byte };   /* status, number, to the previous link, key */
chan hi[2] = [SPACE] of { byte, bool };                  /* number, reactive; from router r */
chan hack[2] = [SPACE] of { byte, bool };                /* number, accepted; to router r */
chan una[2] = [SPACE] of { byte };                       /* whose link-layer address */
chan tunnel[2] = [SPACE] of { byte };                    /* packets from router r to the other */

byte heard_number;  /* an FBU to router 0 that the attacker kept */
byte heard_what;
bool heard_here;
byte heard_key;
bool followed[MAX_NUMBER + 1]; /* numbers of FBUs to router 0 under its first key, once followed */

#define other(r) (1 - r)
#define bound(r) (par[r] == PAR_BOUND || par[r] == PAR_BOUND_ASKING || par[r] == PAR_RENEWING || par[r] == PAR_RENEWING_OTHER || par[r] == PAR_RENEWING_END)
#define being_bound(r) (par[r] == PAR_INSTALLING || par[r] == PAR_INSTALLING_OTHER || par[r] == PAR_INSTALLING_END || par[r] == PAR_INSTALLING_KEYLESS)
#define renewing(r) (par[r] == PAR_RENEWING || par[r] == PAR_RENEWING_OTHER || par[r] == PAR_RENEWING_END)
#define asking(r) (par[r] == PAR_ASKING || par[r] == PAR_BOUND_ASKING || par[r] == PAR_ASKING_KEYLESS)
#define preparing(r) (nar[r] == NAR_PREPARING || nar[r] == NAR_PREPARING_HERE)
#define granted(r) (node[r] == NODE_GRANTED || node[r] == NODE_LEFT_GRANTED || node[r] == NODE_LEFT_RENEWING || node[r] == NODE_FORWARDING || node[r] == NODE_RENEWING)
#define waits(r) (node[r] == NODE_WAITING || node[r] == NODE_ASKING || node[r] == NODE_RENEWING || node[r] == NODE_ENDING)
#define sends(r) (waits(r) || node[r] == NODE_LEFT_WAITING || node[r] == NODE_LEFT_RENEWING)

/* Nothing is on its way, and no local step is under way: whoever still waits, waits for nothing. */
#define still(r) (len(fbu[r]) == 0 && len(fback[r]) == 0 && len(hi[r]) == 0 && len(hack[r]) == 0 && len(una[r]) == 0 && len(tunnel[r]) == 0 && !being_bound(r) && !renewing(r) && !preparing(r) && nar[r] != NAR_PROBING && nar[r] != NAR_SETTLING)
#define quiet (still(0) && still(1) && at != NOWHERE && going == NOWHERE)
/* A timer of patience: when nothing comes any more, or early, which is a fault. */
#define runs_out (quiet || faults > 0)

inline early() {
  if
  :: !quiet -> faults--
  :: else
  fi
}

/* A full channel loses what comes. In a calm world none is ever full. */
#ifdef CALM
#define spilt assert(false)
#else
#define spilt skip
#endif

/* ---- packets ---- */

inline lose(i) {
  packet[i] = LOST;
#ifdef CALM
  assert(packet[i] != LOST) /* nothing-lost */
#endif
}

inline deliver(i, to) {
  assert(packet[i] != DELIVERED); /* delivered-once */
  assert(to == OWNER);            /* right-node */
  packet[i] = DELIVERED
}

/* On the link of router r, for the address that the node has there. */
inline on_link(i, r) {
  if
  :: at == r -> deliver(i, OWNER)
  :: else -> lose(i)
  fi
}

inline into_tunnel(i, r) {
  if
  :: len(tunnel[r]) < SPACE -> packet[i] = TUNNEL; tunnel[r]!i
  :: len(tunnel[r]) == SPACE -> lose(i)
  fi
}

/* Router r has a packet for that address; `inner`: out of a tunnel, and no tunnel takes it again. */
inline route(i, r, inner) {
  if
  :: !inner && bound(r) -> into_tunnel(i, r)
  :: !inner && being_bound(r) && !bound(r) -> into_tunnel(i, r)
  :: buffer[r] && !(!inner && bound(r)) -> packet[i] = HELD; holder[i] = r
  :: inner && bound(r) && !buffer[r] -> lose(i)
  :: !bound(r) && !buffer[r] -> on_link(i, r)
  fi
}

inline let_go(r) {
  i = 1;
  do
  :: i <= PACKETS && packet[i] == HELD && holder[i] == r ->
     if
     :: at == r -> deliver(i, neighbour[r])
     :: else -> lose(i)
     fi;
#ifdef RELEASES_TWICE
     if
     :: packet[i] == DELIVERED -> deliver(i, OWNER)
     :: else
     fi;
#endif
     i++
  :: i <= PACKETS && !(packet[i] == HELD && holder[i] == r) -> i++
  :: i > PACKETS -> break
  od
}

/* ---- a router ---- */

/* An accepting FBack goes to the new address, and to the previous link while the FBU is from there. */
inline answer(status, n, here, k) {
  if
  :: (status == ENDED || here) -> if :: len(fback[r]) < SPACE -> fback[r]!status, n, true, k :: else -> spilt fi
  :: else
  fi;
  if
  :: status == ACCEPTED -> if :: len(fback[r]) < SPACE -> fback[r]!status, n, false, k :: else -> spilt fi
  :: status != ACCEPTED && status != ENDED && !here -> if :: len(fback[r]) < SPACE -> fback[r]!status, n, false, k :: else -> spilt fi
  :: else
  fi;
  if
  :: status != STALE -> said[r] = status; said_here[r] = here
  :: else
  fi
}

/* What an FBU is to the machine. */
inline judge(n, what, here, k) {
  if
  :: generation[r] == 0 || par[r] == PAR_KEYLESS || par[r] == PAR_ASKING_KEYLESS ||
     par[r] == PAR_INSTALLING_KEYLESS || (k != generation[r] && !ANY_KEY_WILL_DO) ->
     pe = ON_FBU_FORGED
  :: else ->
     if
     :: n == last[r] && !NUMBERS_DO_NOT_COUNT -> pe = ON_FBU_REPEAT
     :: n < last[r] && !NUMBERS_DO_NOT_COUNT -> pe = ON_FBU_STALE
     :: n > last[r] || NUMBERS_DO_NOT_COUNT -> follow(n, what, here, k)
     fi
  fi
}

inline follow(n, what, here, k) {
  assert(k != 0); /* only-the-owner-moves */
  if
  :: r == 0 && k == 1 ->
     assert(!followed[n]); /* no-fbu-twice */
     followed[n] = true
  :: else
  fi;
  last[r] = n;
  said[r] = 0;
  if
  :: what == END -> pe = ON_FBU_END; next_number[r] = n; next_here[r] = here
  :: what == UPDATE && par[r] == PAR_IDLE -> pe = ON_FBU_OTHER; owed[r] = n; owed_here[r] = here
  :: what == UPDATE && par[r] != PAR_IDLE -> pe = ON_FBU_SAME; owed[r] = n; owed_here[r] = here
  fi
}

inline send_hi() {
  if
  :: pe == ON_TIMER -> repeated[r] = true
  :: else -> question[r]++; reactive[r] = !owed_here[r]; repeated[r] = false
  fi;
  if :: len(hi[r]) < SPACE -> hi[r]!question[r], reactive[r] :: else -> spilt fi
}

inline act_as_par() {
  if :: fx & DO_ACCEPT -> answer(ACCEPTED, owed[r], owed_here[r], generation[r]) :: else fi;
  if :: fx & DO_REFUSE -> answer(REFUSED, owed[r], owed_here[r], generation[r]) :: else fi;
  if :: fx & DO_ENDED -> answer(ENDED, next_number[r], next_here[r], generation[r]) :: else fi;
  if :: fx & DO_STALE -> answer(STALE, last[r], here, generation[r]) :: else fi;
  if
  :: (fx & DO_REPEAT) && said[r] != 0 -> answer(said[r], last[r], said_here[r], generation[r])
  :: else
  fi;
  if :: fx & DO_HI -> send_hi() :: else fi;
  if
  :: (fx & DO_REMOVE) && ne == 0 && nar[r] != NAR_NONE -> ne = ON_FORWARDING_ENDED
  :: else
  fi
}

inline judge_hi(n, code) {
  if
  :: code -> ne = ON_HI_REACTIVE
  :: !code && nar[r] == NAR_NONE -> ne = ON_HI; answers[r] = n
  :: !code && nar[r] != NAR_NONE && n == answers[r] -> ne = ON_HI_REPEAT
  :: !code && nar[r] != NAR_NONE && n != answers[r] -> ne = ON_HI_AGAIN; answers[r] = n
  fi
}

inline act_as_nar() {
  if
  :: (fx & DO_HACK) && ne == ON_HI_REACTIVE -> if :: len(hack[other(r)]) < SPACE -> hack[other(r)]!n, true :: else -> spilt fi
  :: (fx & DO_HACK) && ne != ON_HI_REACTIVE ->
     if :: len(hack[other(r)]) < SPACE -> hack[other(r)]!answers[r], true :: else -> spilt fi
  :: fx & DO_HACK_REFUSED -> if :: len(hack[other(r)]) < SPACE -> hack[other(r)]!answers[r], false :: else -> spilt fi
  :: else
  fi;
  if :: fx & DO_BUFFER -> buffer[r] = true :: else fi;
  if :: fx & DO_NEIGHBOUR -> neighbour[r] = who :: else fi;
  if :: fx & DO_RELEASE && buffer[r] -> let_go(r); buffer[r] = false :: else fi;
  if
  :: (fx & DO_DISCARD || ne == ON_RESTART) && buffer[r] && !NEVER_DISCARDS ->
     i = 1;
     do
     :: i <= PACKETS ->
        if
        :: packet[i] == HELD && holder[i] == r -> lose(i)
        :: else
        fi;
        i++
     :: else -> break
     od;
     buffer[r] = false
  :: else
  fi
}

proctype Router(byte r) {
  byte pe, ne, n, what, k, who, i;
  bool here, good;
  int fx;
end:
  do
  :: atomic {
       if
       :: fbu[r]?n, what, here, k ->
          if
          :: dead[r]
          :: else -> judge(n, what, here, k)
          fi
       :: hack[r]?n, good ->
          if
          :: asking(r) && n == question[r] && good -> pe = ON_HACK
          :: asking(r) && n == question[r] && !good -> pe = ON_HACK_REFUSES
          :: else
          fi
       :: asking(r) && runs_out -> early();
          if
          :: !repeated[r] -> pe = ON_TIMER
          :: repeated[r] -> pe = ON_SILENCE
          fi
       :: being_bound(r) || renewing(r) -> pe = ON_INSTALLED
       :: (being_bound(r) || renewing(r)) && refusals > 0 -> refusals--; pe = ON_NOT_INSTALLED
       :: bound(r) && runs_out && !granted(r) && !sends(r) && node[r] != NODE_LEFT_SENT && BINDINGS_END ->
          early(); pe = ON_EXPIRY
       :: KEYS_FROM > r && par[r] == PAR_KEYLESS && at == r && going == NOWHERE && node[r] == NODE_NONE ->
          pe = ON_PROVISION; generation[r]++; last[r] = 0; number[r] = 0;
          held[r] = generation[r]; key[r] = true
       :: KEYS_FROM > r && par[r] != PAR_KEYLESS && at == r && going == NOWHERE && node[r] == NODE_NONE && !key[r] &&
          generation[r] > 0 && par[r] != PAR_ASKING_KEYLESS && par[r] != PAR_INSTALLING_KEYLESS ->
          /* The same key again: the numbers go on. */
          if
          :: held[r] == 0 -> number[r] = last[r]
          :: else
          fi;
          held[r] = generation[r]; key[r] = true
       :: hi[other(r)]?n, good ->
          if
          :: dead[r]
          :: else -> judge_hi(n, good)
          fi
       :: una[r]?who ->
          if
          :: who == OWNER -> ne = ON_UNA
          :: who == STRANGER && !ANY_LINK_ADDRESS_WILL_DO -> ne = ON_UNA_STRANGER
          :: who == STRANGER && ANY_LINK_ADDRESS_WILL_DO -> ne = ON_UNA
          fi
       :: nar[r] == NAR_PROBING -> ne = ON_TIMER
       :: nar[r] == NAR_PROBING && refusals > 0 -> refusals--; ne = ON_CLAIM
       :: preparing(r) && !refuses[r] -> ne = ON_PREPARED; who = OWNER
       :: preparing(r) && (refuses[r] || refusals > 0) -> refusals = refusals - (refuses[r] -> 0 : 1);
          ne = ON_NOT_PREPARED
       :: nar[r] == NAR_SETTLING ->
          if
          :: bound(r) -> ne = ON_NEIGHBOUR_SET_BOUND
          :: else -> ne = ON_NEIGHBOUR_SET
          fi
       :: nar[r] == NAR_SETTLING && refusals > 0 -> refusals--; ne = ON_TIMER
       :: (nar[r] == NAR_EXPECTED || nar[r] == NAR_HELD_BACK || nar[r] == NAR_ARRIVED) && runs_out ->
          early(); ne = ON_TIMER
       :: restarts > 0 && r == 1 -> restarts--; pe = ON_RESTART; ne = ON_RESTART
       :: tunnel[other(r)]?i -> route(i, r, true); i = 0
       fi;
       par_moves(par[r], pe, fx);
       act_as_par();
       if
       :: ne == ON_UNA && nar[r] == NAR_PREPARING -> neighbour[r] = who
       :: else
       fi;
       nar_moves(nar[r], ne, fx);
       act_as_nar();
       pe = 0; ne = 0; n = 0; what = 0; k = 0; who = 0; i = 0; here = false; good = false; fx = 0
     }
  od
}

/* ---- the mobile node ---- */

inline send_fbu(r, ask, begins) {
  assert(number[r] < MAX_NUMBER - 1); /* the-model-is-large-enough */
  number[r]++;
  if
  :: begins -> first[r] = number[r]; asked[r] = ask; resynchronised[r] = false
  :: else
  fi;
  if :: len(fbu[r]) < SPACE -> fbu[r]!number[r], ask, (at == r), held[r] :: else -> spilt fi;
  if
  :: r == 0 && attacks > 0 && heard_number == 0 ->
     heard_number = number[r]; heard_what = ask; heard_here = (at == r); heard_key = held[r]
  :: true
  fi
}

inline read_fback(r) {
  fback[r]?status, n, old, k;
  if
  :: (old && at != r) || (!old && at != other(r)) /* nobody is there */
  :: else ->
     if
     :: !waits(r) || (k != held[r] && !ANY_FBACK_WILL_DO) || held[r] == 0
     :: else ->
        if
        :: status == STALE && n < number[r]
        :: status == STALE && n >= number[r] && !resynchronised[r] ->
           ev[r] = ON_FBACK_STALE; resynchronised[r] = true; number[r] = n
        :: status == STALE && n >= number[r] && resynchronised[r] -> ev[r] = ON_FBACK_REFUSES
        :: status != STALE && (n < first[r] || n > number[r])
        :: (status == ACCEPTED || status == ENDED) && n >= first[r] && n <= number[r] ->
           assert(k != 0); /* only-the-owner-is-told */
           ev[r] = ON_FBACK
        :: status == REFUSED && n >= first[r] && n <= number[r] -> ev[r] = ON_FBACK_REFUSES
        fi
     fi
  fi
}

active proctype Node() {
  byte ev[2];
  byte r, before, status, n, k;
  bool old, tried[2];
  int fx;
  par[0] = PAR_IDLE;
  generation[0] = 1; held[0] = 1; key[0] = true;
#ifdef NAR_MAY_FAIL
  if
  :: refuses[1] = true
  :: dead[1] = true
  :: restarts = 1
  fi;
#endif
  run Router(0);
  run Router(1);
end:
  do
  :: atomic {
       if
       :: read_fback(0)
       :: read_fback(1)
       :: at != NOWHERE && going == NOWHERE && moves > 0 && orders > 0 && key[at] &&
          (node[at] == NODE_NONE || node[at] == NODE_STOPPED || node[at] == NODE_ENDING) ->
          orders--; ev[at] = ON_ORDER
       :: at != NOWHERE && going == NOWHERE && node[at] == NODE_WAITING && runs_out ->
          early(); ev[at] = ON_WAIT_OVER
       :: at != NOWHERE && going != NOWHERE -> /* the link is changed */
          ev[at] = ON_LEAVE; ev[other(at)] = ON_LEAVE; key[at] = false; at = NOWHERE
       :: at != NOWHERE && going != NOWHERE && refusals > 0 -> refusals--; going = NOWHERE
#ifdef ABRUPT
       :: at != NOWHERE && going == NOWHERE && moves > 0 ->
          moves--; ev[other(at)] = ON_LEAVE;
          if
          :: node[at] != NODE_NONE || key[at] -> ev[at] = ON_LEAVE
          :: else
          fi;
          going = other(at); key[at] = false; at = NOWHERE
       :: at == NOWHERE && moves > 0 -> moves--; going = other(going)
#endif
       :: at == NOWHERE -> at = going; going = NOWHERE;
          ev[at] = ON_RETURN; ev[other(at)] = ON_ARRIVE;
          if :: len(una[at]) < SPACE -> una[at]!OWNER :: else -> spilt fi
       :: waits(0) && runs_out -> early(); ev[0] = (tried[0] -> ON_SILENCE : ON_TIMER)
       :: waits(1) && runs_out -> early(); ev[1] = (tried[1] -> ON_SILENCE : ON_TIMER)
       :: (node[0] == NODE_FORWARDING || node[0] == NODE_GRANTED && quiet) && renewals > 0 ->
          renewals--; ev[0] = ON_RENEWAL
       :: (node[1] == NODE_FORWARDING || node[1] == NODE_GRANTED && quiet) && renewals > 0 ->
          renewals--; ev[1] = ON_RENEWAL
       :: granted(0) && !waits(0) && (renewals == 0 || node[0] != NODE_FORWARDING) && quiet -> ev[0] = ON_LAPSE
       :: granted(1) && !waits(1) && (renewals == 0 || node[1] != NODE_FORWARDING) && quiet -> ev[1] = ON_LAPSE
       :: at == 1 && (node[0] == NODE_FORWARDING || node[0] == NODE_STOPPED) && quiet -> ev[0] = ON_COMPLETE
       :: at == 0 && (node[1] == NODE_FORWARDING || node[1] == NODE_STOPPED) && quiet -> ev[1] = ON_COMPLETE
       fi;
       r = 0;
       do
       :: r < 2 ->
          if
          :: node[r] == NODE_NONE && (ev[r] == ON_LEAVE && r == other(going) || ev[r] == ON_ORDER) || node[r] != NODE_NONE ->
             before = node[r];
             node_moves(node[r], ev[r], fx);
             if
             :: ev[r] == ON_TIMER -> tried[r] = true
             :: fx & (DO_UPDATE | DO_END) && ev[r] != ON_TIMER -> tried[r] = false
             :: else
             fi;
             if
             :: fx & DO_UPDATE ->
                send_fbu(r, UPDATE, ev[r] != ON_TIMER && ev[r] != ON_FBACK_STALE && before != NODE_LEFT_WAITING && before != NODE_LEFT_RENEWING)
             :: fx & DO_END -> send_fbu(r, END, ev[r] != ON_TIMER && ev[r] != ON_FBACK_STALE)
             :: else
             fi;
             if
             :: fx & DO_SWITCH && moves > 0 -> moves--; going = other(r)
             :: else
             fi;
             if
             :: fx & DO_FORGET || ev[r] == ON_COMPLETE -> held[r] = 0; key[r] = false
             :: else
             fi
          :: else
          fi;
          ev[r] = 0;
          r++
       :: else -> break
       od;
       r = 0; before = 0; status = 0; n = 0; k = 0; old = false; fx = 0
     }
  od
}

/* ---- the world ---- */

active proctype Correspondent() {
  byte i = 1;
end:
  do
#ifdef CALM
  /* Later it has been told the node's new address. */
  :: atomic { i <= PACKETS && (at == 0 || granted(0)) -> route(i, 0, false); i++ }
  :: i <= PACKETS && at == 1 && node[0] == NODE_NONE -> break
#else
  :: atomic { i <= PACKETS -> route(i, 0, false); i++ }
#endif
  :: i > PACKETS -> break
  od
}

#if FAULTS > 0
active proctype Loss() {
end:
  do
  :: atomic { faults > 0 && len(fbu[0]) > 0 -> faults--; fbu[0]?_, _, _, _ }
  :: atomic { faults > 0 && len(fbu[1]) > 0 -> faults--; fbu[1]?_, _, _, _ }
  :: atomic { faults > 0 && len(fback[0]) > 0 -> faults--; fback[0]?_, _, _, _ }
  :: atomic { faults > 0 && len(fback[1]) > 0 -> faults--; fback[1]?_, _, _, _ }
  :: atomic { faults > 0 && len(hi[0]) > 0 -> faults--; hi[0]?_, _ }
  :: atomic { faults > 0 && len(hi[1]) > 0 -> faults--; hi[1]?_, _ }
  :: atomic { faults > 0 && len(hack[0]) > 0 -> faults--; hack[0]?_, _ }
  :: atomic { faults > 0 && len(hack[1]) > 0 -> faults--; hack[1]?_, _ }
  :: atomic { faults > 0 && len(una[0]) > 0 -> faults--; una[0]?_ }
  :: atomic { faults > 0 && len(una[1]) > 0 -> faults--; una[1]?_ }
  od
}
#endif

#if ATTACKS > 0
/* Hears all, has no key, and no way to make the node's or the routers' messages stop. */
active proctype Attacker() {
end:
  do
  :: atomic { attacks > 0 && len(fbu[0]) < SPACE -> attacks--; fbu[0]!MAX_NUMBER, UPDATE, true, 0 }
  :: atomic { attacks > 0 && len(fbu[0]) < SPACE -> attacks--; fbu[0]!MAX_NUMBER, END, false, 0 }
  :: atomic { attacks > 0 && len(fbu[0]) < SPACE && heard_number != 0 ->
              attacks--; fbu[0]!heard_number, heard_what, heard_here, heard_key }
  :: atomic { attacks > 0 && len(fback[0]) < SPACE && at == 0 -> attacks--; fback[0]!ACCEPTED, number[0], true, 0 }
  :: atomic { attacks > 0 && len(fback[0]) < SPACE && at == 1 -> attacks--; fback[0]!ACCEPTED, number[0], false, 0 }
  :: atomic { attacks > 0 && len(hack[0]) < SPACE -> attacks--; hack[0]!(question[0] + 1), true }
  :: atomic { attacks > 0 && len(una[1]) < SPACE -> attacks--; una[1]!STRANGER }
  :: atomic { attacks > 0 && len(una[0]) < SPACE -> attacks--; una[0]!STRANGER }
  od
}
#endif

/* What must not be at any moment; only a broken promise can take a step here. */
active proctype Watch() {
end:
  do
  :: atomic { buffer[0] && nar[0] == NAR_NONE ->
              assert(!buffer[0]) } /* no-buffer-is-forgotten */
  :: atomic { buffer[1] && nar[1] == NAR_NONE ->
              assert(!buffer[1]) } /* no-buffer-is-forgotten */
#if REFUSALS == 0
  /* Else a refused renewal may be told after the acceptance of the one before. */
  :: atomic { quiet && node[0] == NODE_FORWARDING && at == 1 && !bound(0) ->
              assert(false) } /* both-ends-agree */
  :: atomic { quiet && node[1] == NODE_FORWARDING && at == 0 && !bound(1) ->
              assert(false) } /* both-ends-agree */
#endif
  :: atomic { timeout ->
     assert(quiet); /* every-handover-ends */
     assert(par[0] == PAR_IDLE || par[0] == PAR_KEYLESS); /* every-handover-ends */
     assert(par[1] == PAR_IDLE || par[1] == PAR_KEYLESS); /* every-handover-ends */
     assert(nar[0] == NAR_NONE && nar[1] == NAR_NONE); /* every-handover-ends */
     assert(!buffer[0] && !buffer[1]); /* every-handover-ends */
     assert(node[0] == NODE_NONE || node[0] == NODE_STOPPED); /* every-handover-ends */
     assert(node[1] == NODE_NONE || node[1] == NODE_STOPPED); /* every-handover-ends */
     assert(packet[1] != HELD && packet[1] != TUNNEL); /* every-handover-ends */
     assert(packet[2] != HELD && packet[2] != TUNNEL); /* every-handover-ends */
     break }
  od
}

ltl buffers_end { [] (buffer[1] -> <> !buffer[1]) }
ltl bindings_end { [] (bound(0) -> <> !bound(0)) }
ltl questions_end { [] (asking(0) -> <> !asking(0)) }
