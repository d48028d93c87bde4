A VM is brought back, and its guest crashes at each boot on the first host: after one further start there it is tried on
another one, and serves.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web on h1

at 2s: write web block 1 "stubborn"
at 10s: fault host-power-loss h1
5s after web has started once: fault guest-crash web
5s after web has started twice: fault guest-crash web
run until quiet
expect web runs on h3 with a newer epoch; web block 1 reads "stubborn"; incident of h1 closed
expect alarm host-dead on h1; no other alarm
