VMs of a failed host go to the host that is kept for it, and to no other: the third finds it full and waits, though
another host has room.

cluster c1: 3 hosts of 16 cores and 14 GiB     # room for three VMs of 4 GiB each
host h3: 16 cores and 10 GiB                    # room for two
set c1: failoverHosts h3, recovery reserved
vm web x2 on h1: 4 GiB
vm last on h1: 4 GiB, priority low
vm other on h2: 4 GiB

at 10s: fault host-power-loss h1
run until 200s
expect web run on h3 with a newer epoch; last waiting; last never on h2; other untouched; alarm vm-waits on last
