# A machine in the cloud, set up to serve hello, whose disk is kept as an image.
# `openstack ystack image build` gives every variable its value: from the Site file, from the
# checkout, and a key pair of this one build.

variable "cloud" {
  type = string
}
variable "flavor" {
  type = string
}
variable "network" {
  type = string
}
variable "source_image" {
  type = string
}
variable "image_name" {
  type = string
}
variable "ssh_username" {
  type = string
}
variable "ssh_keypair_name" {
  type = string
}
variable "ssh_private_key_file" {
  type = string
}
variable "directory" { # of ystack.yaml
  type = string
}
variable "work_directory" { # removed after the build
  type = string
}

source "openstack" "vm" {
  cloud                = var.cloud
  flavor               = var.flavor
  networks             = [var.network]
  source_image         = var.source_image
  image_name           = var.image_name
  ssh_username         = var.ssh_username
  ssh_keypair_name     = var.ssh_keypair_name
  ssh_private_key_file = var.ssh_private_key_file
  ssh_timeout          = "10m"
}

build {
  sources = ["source.openstack.vm"]

  provisioner "shell-local" {
    inline = ["cd '${var.directory}' && CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o '${var.work_directory}/hello' ."]
  }
  provisioner "file" {
    generated   = true
    source      = "${var.work_directory}/hello"
    destination = "/tmp/hello"
  }
  provisioner "file" {
    source      = "${var.directory}/image/hello.service"
    destination = "/tmp/hello.service"
  }
  provisioner "shell" {
    inline = [
      "sudo install -m 755 /tmp/hello /usr/local/bin/hello",
      "sudo install -m 644 /tmp/hello.service /etc/systemd/system/hello.service",
      "sudo systemctl enable hello",
      "sudo rm -f /tmp/hello /tmp/hello.service",
      "sync",
    ]
  }
}
