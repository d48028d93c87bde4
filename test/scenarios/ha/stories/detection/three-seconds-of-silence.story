Both channels are silent for three seconds, which is less than it takes to miss a heartbeat: nothing happens at all.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web x2 on h1

at 10s: fault management-partition h1 for 3s; fault storage-partition h1 for 3s
run until 120s
expect web untouched; nothing restarted; incident of h1 none; no alarm
