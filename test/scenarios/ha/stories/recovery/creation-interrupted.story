The host dies in the middle of a creation. The VM was promised, so it runs elsewhere, even with HA off.

cluster c1: 3 hosts of 16 cores and 64 GiB

at 10s: create fresh: ha off
at 20s: fault host-power-loss the host of fresh
run until quiet
expect fresh runs with a newer epoch; alarm host-dead on h1; no other alarm
