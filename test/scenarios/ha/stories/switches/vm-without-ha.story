A VM without HA stays down when its host fails, stopped with the reason. Started by hand, it runs elsewhere.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web on h1
vm plain on h1: ha off

at 10s: fault host-power-loss h1
at 100s: start plain
run until quiet
expect web runs elsewhere with a newer epoch; plain runs elsewhere with a newer epoch; plain start elsewhere after 99s
expect alarm host-dead on h1; no other alarm
