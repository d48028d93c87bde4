The guest of a VM crashes and should be started elsewhere. No other host has room, so its own one takes it again.

cluster c1: 2 hosts of 16 cores and 14 GiB     # room for three VMs of 4 GiB each
vm web on h1: 4 GiB, faultProcess ha
vm other x3 on h2: 4 GiB

at 10s: fault guest-crash web
run until quiet
expect web runs on h1 with a newer epoch; other untouched; no alarm
