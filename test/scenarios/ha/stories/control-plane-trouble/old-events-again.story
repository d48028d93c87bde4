Long after a recovery, everything that was ever said is said again, in reverse: nothing happens.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web x2 on h1
vm db on h2

at 10s: fault host-power-loss h1
at 20s: stop db
at 60s: start db
at 150s: replay the last 100 events in reverse
run until 400s
expect web run elsewhere with a newer epoch; db runs; alarm host-dead on h1; no other alarm
