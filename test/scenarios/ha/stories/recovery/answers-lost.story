During the whole recovery the site does what it is told, and all of its answers are lost: every VM still runs exactly once.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web x3 on h1

at 8s: fault answer-lost site-a for 60s
at 10s: fault host-power-loss h1
run until quiet
expect web run elsewhere with a newer epoch; no alarm
