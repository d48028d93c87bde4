A synchronous group is tested. After the clean-up everything is as it was, byte for byte.

cluster c1 at site a: 2 hosts of 16 cores and 64 GiB
cluster c2 at site b: 2 hosts of 16 cores and 64 GiB
link a-b: sync, 2 ms, 1000 Mbit/s
vm web x2 on h1, h2: 2 vCPU, 4 GiB
group shop of web: sync to b
plan p1 of shop

at 10s: test plan p1
10s after plan p1 is testComplete: cleanup plan p1
run until quiet
expect as before; all VMs untouched; plan p1 is ready; group shop is protected; no alarm
