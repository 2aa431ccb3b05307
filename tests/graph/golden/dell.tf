terraform {
  required_version = ">= 1.4"
  required_providers {
    libvirt = {source = "dmacvicar/libvirt", version = "0.8.3"}
  }
}
variable "i_know_that_these_networks_are_open" {
  default = false
  description = "Set it once something else filters between these networks, or where nothing has to."
  type = "bool"
}
output "machines" {
  value = {}
}
output "pools" {
  value = {hdd = "twin-vpc-hdd", ssd = "twin-vpc-ssd"}
}
output "segments" {
  value = {container = {bridge = "br-container", cidr = "10.0.4.0/24", router = "10.0.4.1"}, database = {bridge = "br-database", cidr = "10.0.3.0/24", router = "10.0.3.1"}, management = {bridge = "br-management", cidr = "10.0.0.0/24", router = "10.0.0.1"}, private = {bridge = "br-private", cidr = "10.0.2.0/24", router = "10.0.2.1"}, public = {bridge = "br-public", cidr = "10.0.1.0/24", router = "10.0.1.1"}}
}
provider "libvirt" {
  uri = "qemu+ssh://root@192.168.1.10:2200/system?keyfile=/home/owner/.ssh/id_ed25519&sshauth=privkey&knownhosts=/home/owner/.ssh/known_hosts"
}
resource "libvirt_network" "vpc_container" {
  addresses = ["10.0.4.0/24"]
  autostart = true
  bridge = "br-container"
  depends_on = [terraform_data.policy_is_missing]
  dhcp {
    enabled = true
  }
  dns {
    enabled = true
    hosts {
      hostname = "management.lab.local"
      ip = "10.0.0.1"
    }
    hosts {
      hostname = "public.lab.local"
      ip = "10.0.1.1"
    }
    hosts {
      hostname = "private.lab.local"
      ip = "10.0.2.1"
    }
    hosts {
      hostname = "database.lab.local"
      ip = "10.0.3.1"
    }
    hosts {
      hostname = "container.lab.local"
      ip = "10.0.4.1"
    }
    local_only = true
  }
  dnsmasq_options {
    options {
      option_name = "no-hosts"
    }
  }
  domain = "lab.local"
  mode = "open"
  name = "container"
  xml {
    xslt = "<xsl:stylesheet version=\"1.0\" xmlns:xsl=\"http://www.w3.org/1999/XSL/Transform\">\n  <xsl:template match=\"@*|node()\">\n    <xsl:copy><xsl:apply-templates select=\"@*|node()\"/></xsl:copy>\n  </xsl:template>\n  <xsl:template match=\"/\">\n    <xsl:if test=\"count(/network/ip/dhcp/range) != 1\">\n      <xsl:message terminate=\"yes\">expected one DHCP range in the provider's XML</xsl:message>\n    </xsl:if>\n    <xsl:apply-templates/>\n  </xsl:template>\n  <xsl:template match=\"/network/ip/dhcp/range\">\n    <range start=\"10.0.4.100\" end=\"10.0.4.200\"/>\n  </xsl:template>\n</xsl:stylesheet>\n"
  }
}
resource "libvirt_network" "vpc_database" {
  addresses = ["10.0.3.0/24"]
  autostart = true
  bridge = "br-database"
  depends_on = [terraform_data.policy_is_missing]
  dhcp {
    enabled = false
  }
  dns {
    enabled = true
    hosts {
      hostname = "management.lab.local"
      ip = "10.0.0.1"
    }
    hosts {
      hostname = "public.lab.local"
      ip = "10.0.1.1"
    }
    hosts {
      hostname = "private.lab.local"
      ip = "10.0.2.1"
    }
    hosts {
      hostname = "database.lab.local"
      ip = "10.0.3.1"
    }
    hosts {
      hostname = "container.lab.local"
      ip = "10.0.4.1"
    }
    local_only = true
  }
  dnsmasq_options {
    options {
      option_name = "no-hosts"
    }
  }
  domain = "lab.local"
  mode = "open"
  name = "database"
}
resource "libvirt_network" "vpc_management" {
  addresses = ["10.0.0.0/24"]
  autostart = true
  bridge = "br-management"
  depends_on = [terraform_data.policy_is_missing]
  dhcp {
    enabled = true
  }
  dns {
    enabled = true
    hosts {
      hostname = "management.lab.local"
      ip = "10.0.0.1"
    }
    hosts {
      hostname = "public.lab.local"
      ip = "10.0.1.1"
    }
    hosts {
      hostname = "private.lab.local"
      ip = "10.0.2.1"
    }
    hosts {
      hostname = "database.lab.local"
      ip = "10.0.3.1"
    }
    hosts {
      hostname = "container.lab.local"
      ip = "10.0.4.1"
    }
    local_only = true
  }
  dnsmasq_options {
    options {
      option_name = "no-hosts"
    }
  }
  domain = "lab.local"
  mode = "open"
  name = "management"
  xml {
    xslt = "<xsl:stylesheet version=\"1.0\" xmlns:xsl=\"http://www.w3.org/1999/XSL/Transform\">\n  <xsl:template match=\"@*|node()\">\n    <xsl:copy><xsl:apply-templates select=\"@*|node()\"/></xsl:copy>\n  </xsl:template>\n  <xsl:template match=\"/\">\n    <xsl:if test=\"count(/network/ip/dhcp/range) != 1\">\n      <xsl:message terminate=\"yes\">expected one DHCP range in the provider's XML</xsl:message>\n    </xsl:if>\n    <xsl:apply-templates/>\n  </xsl:template>\n  <xsl:template match=\"/network/ip/dhcp/range\">\n    <range start=\"10.0.0.10\" end=\"10.0.0.50\"/>\n  </xsl:template>\n</xsl:stylesheet>\n"
  }
}
resource "libvirt_network" "vpc_private" {
  addresses = ["10.0.2.0/24"]
  autostart = true
  bridge = "br-private"
  depends_on = [terraform_data.policy_is_missing]
  dhcp {
    enabled = true
  }
  dns {
    enabled = true
    hosts {
      hostname = "management.lab.local"
      ip = "10.0.0.1"
    }
    hosts {
      hostname = "public.lab.local"
      ip = "10.0.1.1"
    }
    hosts {
      hostname = "private.lab.local"
      ip = "10.0.2.1"
    }
    hosts {
      hostname = "database.lab.local"
      ip = "10.0.3.1"
    }
    hosts {
      hostname = "container.lab.local"
      ip = "10.0.4.1"
    }
    local_only = true
  }
  dnsmasq_options {
    options {
      option_name = "no-hosts"
    }
  }
  domain = "lab.local"
  mode = "open"
  name = "private"
  xml {
    xslt = "<xsl:stylesheet version=\"1.0\" xmlns:xsl=\"http://www.w3.org/1999/XSL/Transform\">\n  <xsl:template match=\"@*|node()\">\n    <xsl:copy><xsl:apply-templates select=\"@*|node()\"/></xsl:copy>\n  </xsl:template>\n  <xsl:template match=\"/\">\n    <xsl:if test=\"count(/network/ip/dhcp/range) != 1\">\n      <xsl:message terminate=\"yes\">expected one DHCP range in the provider's XML</xsl:message>\n    </xsl:if>\n    <xsl:apply-templates/>\n  </xsl:template>\n  <xsl:template match=\"/network/ip/dhcp/range\">\n    <range start=\"10.0.2.100\" end=\"10.0.2.200\"/>\n  </xsl:template>\n</xsl:stylesheet>\n"
  }
}
resource "libvirt_network" "vpc_public" {
  addresses = ["10.0.1.0/24"]
  autostart = true
  bridge = "br-public"
  depends_on = [terraform_data.policy_is_missing]
  dhcp {
    enabled = true
  }
  dns {
    enabled = true
    hosts {
      hostname = "management.lab.local"
      ip = "10.0.0.1"
    }
    hosts {
      hostname = "public.lab.local"
      ip = "10.0.1.1"
    }
    hosts {
      hostname = "private.lab.local"
      ip = "10.0.2.1"
    }
    hosts {
      hostname = "database.lab.local"
      ip = "10.0.3.1"
    }
    hosts {
      hostname = "container.lab.local"
      ip = "10.0.4.1"
    }
    local_only = true
  }
  dnsmasq_options {
    options {
      option_name = "no-hosts"
    }
  }
  domain = "lab.local"
  mode = "open"
  name = "public"
  xml {
    xslt = "<xsl:stylesheet version=\"1.0\" xmlns:xsl=\"http://www.w3.org/1999/XSL/Transform\">\n  <xsl:template match=\"@*|node()\">\n    <xsl:copy><xsl:apply-templates select=\"@*|node()\"/></xsl:copy>\n  </xsl:template>\n  <xsl:template match=\"/\">\n    <xsl:if test=\"count(/network/ip/dhcp/range) != 1\">\n      <xsl:message terminate=\"yes\">expected one DHCP range in the provider's XML</xsl:message>\n    </xsl:if>\n    <xsl:apply-templates/>\n  </xsl:template>\n  <xsl:template match=\"/network/ip/dhcp/range\">\n    <range start=\"10.0.1.100\" end=\"10.0.1.200\"/>\n  </xsl:template>\n</xsl:stylesheet>\n"
  }
}
resource "libvirt_pool" "pools_hdd" {
  name = "twin-vpc-hdd"
  target {
    path = "/data/kvm/images/twin-vpc"
  }
  type = "dir"
}
resource "libvirt_pool" "pools_ssd" {
  name = "twin-vpc-ssd"
  target {
    path = "/var/lib/libvirt/images/twin-vpc"
  }
  type = "dir"
}
resource "terraform_data" "policy_is_missing" {
  lifecycle {
    precondition {
      condition = var.i_know_that_these_networks_are_open
      error_message = "WITHOUT THE POLICY THESE NETWORKS ARE OPEN: every segment reaches every other. Read README.md beside this file; then set i_know_that_these_networks_are_open."
    }
  }
}
