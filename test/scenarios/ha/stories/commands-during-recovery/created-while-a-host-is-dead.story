VMs are created when a host has just died and nobody knows: wherever they were put, they run in the end.

cluster c1: 2 hosts of 16 cores and 64 GiB
vm web on h1

at 10s: fault host-power-loss h2
at 11s: create one; create two; create three
run until quiet
expect one, two, three run on h1; web untouched; alarm host-dead on h2; no other alarm
