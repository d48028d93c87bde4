A host fails, comes back, takes a VM and fails again: that is an incident of its own, and the VM is recovered once more.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web on h1

at 10s: fault host-power-loss h1
at 100s: heal host-power-loss h1; power-on h1
after h1 is online: migrate web to h1
60s after h1 is online: fault host-power-loss h1
run until quiet
expect web runs elsewhere with a newer epoch; h1 fenced; incident of h1 closed
