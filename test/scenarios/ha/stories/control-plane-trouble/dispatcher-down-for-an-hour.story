The dispatcher is down for an hour: a host dies and a stop is asked for, and nothing of it is lost.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web x2 on h1
vm db on h2

at 10s: dispatcher down
at 60s: fault host-power-loss h1
at 70s: stop db
at 3600s: dispatcher up
run until quiet
expect web run elsewhere with a newer epoch; db stopped; alarm host-dead on h1; no other alarm
