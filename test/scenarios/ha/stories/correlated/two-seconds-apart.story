Two hosts of a rack die within the time that it takes to look at them once: one incident, one recovery.

cluster c1: 6 hosts of 16 cores and 64 GiB, racks 2
vm web x3 on h1
vm shop x3 on h3

at 11s: fault host-power-loss h1
at 13s: fault host-power-loss h3
run until quiet
expect web run elsewhere with a newer epoch; shop run elsewhere with a newer epoch; web back within 60s
expect alarm host-dead on h1; alarm host-dead on h3; no other alarm
