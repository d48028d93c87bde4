The control plane dies in each step of a test and of its clean-up. Everything is as it was, byte for byte.

cluster c1 at site a: 2 hosts of 16 cores and 64 GiB
cluster c2 at site b: 2 hosts of 16 cores and 64 GiB
link a-b: async, 12 ms, 1000 Mbit/s
vm web x2 on h1, h2: 2 vCPU, 4 GiB
group shop of web: async to b, rpo 5m
plan p1 of shop

at 10s: test plan p1
after step createCopies of plan-test: kill the control plane for 20s
after step cloneVolumes of plan-test: kill the control plane for 20s
after step startWave of plan-test: kill the control plane for 20s
after step confirmWave of plan-test: kill the control plane for 20s
10s after plan p1 is testComplete: cleanup plan p1
after step remove of plan-cleanup: kill the control plane for 20s
run until quiet
expect as before; all VMs untouched; plan p1 is ready; group shop is protected
