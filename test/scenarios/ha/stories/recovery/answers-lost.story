A host dies while all answers of its site are lost. Nothing can be known of its hosts, so nothing is done until answers
come again; then every VM runs exactly once.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web x3 on h1

at 8s: fault answer-lost site-a for 60s
at 10s: fault host-power-loss h1
run until quiet
expect web run elsewhere with a newer epoch; alarm host-dead on h1; no other alarm
