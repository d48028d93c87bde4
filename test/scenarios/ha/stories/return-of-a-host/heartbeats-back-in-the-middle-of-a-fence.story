A hung host comes to life in the middle of its own fence, whose confirmation is lost: it is stopped all the same.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web x2 on h1

at 10s: fault bmc-unreachable h1 for 100s; fault host-hang h1 for 40s
run until quiet
expect web run with a newer epoch
