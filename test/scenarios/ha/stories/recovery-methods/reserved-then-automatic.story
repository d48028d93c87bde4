The host that is kept free is asked first; what finds no room there goes to hosts in normal use.

cluster c1: 3 hosts of 16 cores and 14 GiB     # room for three VMs of 4 GiB each
host h3: 16 cores and 10 GiB                    # room for two
set c1: failoverHosts h3, recovery reservedThenAutomatic
vm web x2 on h1: 4 GiB
vm last on h1: 4 GiB, priority low
vm other x2 on h2: 4 GiB

at 10s: fault host-power-loss h1
run until 200s
expect web run on h3 with a newer epoch; last runs on h2 with a newer epoch; other untouched
expect alarm host-dead on h1; no other alarm
