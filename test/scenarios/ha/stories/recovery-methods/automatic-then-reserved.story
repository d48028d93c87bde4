Hosts in normal use are asked first; what finds no room there goes to the host that is kept free.

cluster c1: 3 hosts of 16 cores and 14 GiB     # room for three VMs of 4 GiB each
set c1: failoverHosts h3, recovery automaticThenReserved
vm web on h1: 4 GiB, priority high
vm late x2 on h1: 4 GiB
vm other x2 on h2: 4 GiB

at 10s: fault host-power-loss h1
run until 200s
expect web runs on h2 with a newer epoch; late run on h3 with a newer epoch; other untouched
expect alarm host-dead on h1; no other alarm
