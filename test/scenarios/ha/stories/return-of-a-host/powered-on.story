A fenced host is switched on. It is reconciled before it serves, and takes new VMs then.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web x2 on h1

at 10s: fault host-power-loss h1
at 120s: heal host-power-loss h1; power-on h1
after h1 is online: migrate web-1 to h1
run until quiet
expect web-1 runs on h1 with a newer epoch; web-2 runs elsewhere; no alarm; incident of h1 closed
