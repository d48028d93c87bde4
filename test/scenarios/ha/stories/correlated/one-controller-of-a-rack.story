A rack of three hosts dies, and the power controller of one of them is out of reach. That one is split off: its VMs wait
until its lease is over, and the others wait for nobody.

cluster c1: 6 hosts of 16 cores and 64 GiB, racks 2
vm web x6 on h1, h3, h5

at 10s: fault host-power-loss r1; fault bmc-unreachable h5
run until quiet
expect web-1 starts elsewhere before 30s; web-2 starts elsewhere before 30s; web-3 starts elsewhere after 129s
expect web run elsewhere with a newer epoch; incident of h1 closed; incident of h3 closed; incident of h5 closed
expect alarm host-dead on h1; alarm host-dead on h3; alarm host-lost on h5; no other alarm
