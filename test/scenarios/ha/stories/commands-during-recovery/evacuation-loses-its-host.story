A host dies while it is being emptied for maintenance: what had moved stays where it is, the rest is recovered.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web x2 on h1: 2 GiB, writes 64 MiB/s
vm idle on h1

at 10s: maintenance h1
at 22s: fault host-power-loss h1
run until quiet
expect web run elsewhere with a newer epoch; idle runs elsewhere with a newer epoch
expect alarm host-dead on h1; no other alarm
