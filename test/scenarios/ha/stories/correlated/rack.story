A rack loses power, half of the cluster with it: every VM runs again, each once, in the other rack.

cluster c1: 6 hosts of 16 cores and 64 GiB, racks 2
vm web x6 on h1, h3, h5
vm db x3 on h2, h4, h6

at 10s: fault host-power-loss r1
run until quiet
expect web run elsewhere with a newer epoch; web back within 80s; db untouched
expect web never on h1; web never on h3; web never on h5
