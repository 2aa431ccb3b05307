"""Roles and the policies written into them."""

import json
from urllib.parse import unquote

from sandbox.aws.standin.kind import Kind, tags_of
from sandbox.aws.standin.values import Props


class Role(Kind):
    """`aws_iam_role`."""

    token = "aws:iam/role:Role"
    taken = frozenset({"name", "path", "description", "assumeRolePolicy", "maxSessionDuration", "tags"})
    fixed = frozenset({"name", "path"})
    named = True

    def create(self, inputs: Props) -> str:
        request = {wire: inputs[name] for name, wire in _WIRE.items() if inputs.get(name) is not None}
        self.account.iam.create_role(
            RoleName=inputs["name"], AssumeRolePolicyDocument=_text(inputs["assumeRolePolicy"]),
            Tags=self.account.tagged(tags_of(inputs)), **request,
        )  # fmt: skip
        return str(inputs["name"])

    def read(self, identity: str, state: Props) -> Props | None:
        found = self.account.iam.get_role(RoleName=identity)["Role"]
        return {
            "arn": found["Arn"],
            "name": found["RoleName"],
            "path": found["Path"],
            "uniqueId": found["RoleId"],
            "description": found.get("Description", ""),
            "maxSessionDuration": found.get("MaxSessionDuration", 3600),
            "assumeRolePolicy": _document(found["AssumeRolePolicyDocument"]),
            **self.account.own_tags(found.get("Tags", [])),
        }

    def update(self, identity: str, old: Props, new: Props) -> None:
        iam = self.account.iam
        iam.update_assume_role_policy(RoleName=identity, PolicyDocument=_text(new["assumeRolePolicy"]))
        iam.update_role(RoleName=identity, Description=new.get("description", ""))
        gone = sorted(tags_of(old).keys() - tags_of(new).keys())
        if gone:
            iam.untag_role(RoleName=identity, TagKeys=gone)
        iam.tag_role(RoleName=identity, Tags=self.account.tagged(tags_of(new)))

    def delete(self, identity: str, state: Props) -> None:
        self.account.iam.delete_role(RoleName=identity)


class RolePolicy(Kind):
    """`aws_iam_role_policy`."""

    token = "aws:iam/rolePolicy:RolePolicy"
    taken = frozenset({"role", "name", "policy"})
    fixed = frozenset({"role", "name"})
    named = True

    def create(self, inputs: Props) -> str:
        self._put(inputs)
        return f"{inputs['role']}:{inputs['name']}"

    def read(self, identity: str, state: Props) -> Props | None:
        role, _, name = identity.partition(":")
        found = self.account.iam.get_role_policy(RoleName=role, PolicyName=name)
        return {"role": role, "name": name, "policy": _document(found["PolicyDocument"])}

    def update(self, identity: str, old: Props, new: Props) -> None:
        self._put(new)

    def delete(self, identity: str, state: Props) -> None:
        role, _, name = identity.partition(":")
        self.account.iam.delete_role_policy(RoleName=role, PolicyName=name)

    def _put(self, inputs: Props) -> None:
        self.account.iam.put_role_policy(
            RoleName=inputs["role"], PolicyName=inputs["name"], PolicyDocument=_text(inputs["policy"])
        )


_WIRE = {"path": "Path", "description": "Description", "maxSessionDuration": "MaxSessionDuration"}


def _text(document: object) -> str:
    return document if isinstance(document, str) else json.dumps(document, sort_keys=True)


def _document(found: object) -> str:
    """boto3 gives documents as mappings, or as text with percent signs."""
    return unquote(found) if isinstance(found, str) else json.dumps(found, sort_keys=True)
