A deletion is asked for after the host died, before anybody knew: it ends well and leaves nothing.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web x2 on h1

at 10s: fault host-power-loss h1
at 11s: delete web-1
run until quiet
expect web-1 gone; web-2 runs elsewhere with a newer epoch; alarm host-dead on h1; no other alarm
