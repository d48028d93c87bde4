The dispatcher was down; what piled up is handed over in reverse.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web x2 on h1
vm db on h2

at 10s: dispatcher down
at 12s: stop db
at 20s: fault host-power-loss h1
at 60s: delete db
at 100s: dispatcher reorders
run until 600s
expect web run elsewhere with a newer epoch; alarm host-dead on h1; no other alarm
