Every event is handed over twice, the second time in reverse: each starts one piece of work.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web x2 on h1
vm db on h2

at 5s: dispatcher duplicates
at 10s: fault host-power-loss h1; stop db
at 120s: start db
run until quiet
expect web run elsewhere with a newer epoch; db runs; alarm host-dead on h1; no other alarm
