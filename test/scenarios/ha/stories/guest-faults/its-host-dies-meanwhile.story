A guest has crashed and is being restarted in place, and then its host dies: the recovery of the host goes before, and the
VM runs elsewhere, once.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web on h1: faultProcess reboot
vm other on h1

at 2s: write web block 1 "twice unlucky"
at 10s: fault guest-crash web
10s after web has started once: fault host-power-loss h1
run until quiet
expect web runs elsewhere with a newer epoch; other runs elsewhere with a newer epoch
expect web block 1 reads "twice unlucky"; incident of web closed; incident of h1 closed
expect alarm host-dead on h1; no other alarm
