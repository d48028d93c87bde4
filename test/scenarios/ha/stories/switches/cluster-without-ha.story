HA is switched off for a whole cluster: its hosts are watched and fenced, and their VMs rest with the reason.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web x2 on h1

at 5s: set c1: ha off
at 30s: fault host-power-loss h1
run until quiet
expect web stopped because "HA is off for its cluster"; nothing restarted; h1 fenced
