A stop is asked for after the host died, before anybody knew: it is carried out, and the VM is not restarted.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web x2 on h1

at 10s: fault host-power-loss h1
at 11s: stop web-1
run until quiet
expect web-1 stopped; web-2 runs elsewhere with a newer epoch; alarm host-dead on h1; no other alarm
